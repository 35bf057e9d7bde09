package scenarios

import (
	"github.com/mqsim/mqsim/models"
	kafka "github.com/mqsim/mqsim/models/kafka/profile"
	rabbitmq "github.com/mqsim/mqsim/models/rabbitmq/profile"
	rocketmq "github.com/mqsim/mqsim/models/rocketmq/profile"
)

// modelNames are the words of model: in the order of reports.
var modelNames = []string{"kafka", "rocketmq", "rabbitmq"}

// tables are the setting tables of the models that are built.
var tables = []*models.Table{kafka.Table(), rocketmq.Table(), rabbitmq.Table()}

func tableOf(model string) *models.Table {
	for _, t := range tables {
		if t.Model == model {
			return t
		}
	}
	return nil
}

// The words of the language. What is known but not built here yet says so by name instead of being
// mistaken for a typing error.

// action is one row of the table of faults.
type action struct {
	name   string
	keys   []string // beside those of every fault
	needs  []string // of these, those without a default
	target targets
	on     victims
	once   bool // it has no span: nothing is undone
}

// targets says how an action is aimed.
type targets uint8

const (
	bySelector targets = iota // selector:
	bySides                   // selector: or between:
	byCut                     // selector:, between:, groups: or shape:
)

// victims says what hosts an action makes sense for.
type victims uint8

const (
	onAll victims = iota
	onServers
	onClients
)

var actions = []action{
	{name: "kill", keys: []string{"process"}},
	{name: "stop", keys: []string{"process"}},
	{name: "pause", keys: []string{"process"}},
	{name: "power-loss", keys: []string{"crash"}},
	{name: "wipe", keys: []string{"crash", "disk"}, on: onServers},
	{name: "partition", keys: []string{"between", "groups", "shape", "direction", "port", "style", "clients"}, target: byCut},
	{name: "delay", keys: []string{"between", "direction", "port", "latency", "jitter"}, target: bySides},
	{name: "loss", keys: []string{"between", "direction", "port", "percent"}, needs: []string{"percent"}, target: bySides},
	{name: "bandwidth", keys: []string{"between", "direction", "port", "rate"}, needs: []string{"rate"}, target: bySides},
	{name: "reset", keys: []string{"between", "direction", "port"}, target: bySides},
	{name: "disk-slow", keys: []string{"ops", "factor", "latency", "path", "disk"}, on: onServers},
	{name: "disk-stall", keys: []string{"ops", "path", "disk"}, on: onServers},
	{name: "disk-error", keys: []string{"ops", "error", "percent", "path", "disk"}, on: onServers},
	{name: "disk-full", keys: []string{"fill", "free", "disk"}, on: onServers},
	{name: "disk-lie", keys: []string{"path", "disk"}, on: onServers},
	{name: "disk-corrupt", keys: []string{"what", "offset", "bytes", "path", "disk"}, on: onServers, once: true},
	{name: "memory", keys: []string{"used"}, needs: []string{"used"}, on: onServers},
	{name: "cpu", keys: []string{"factor"}},
	{name: "clock-jump", keys: []string{"by"}, needs: []string{"by"}},
	{name: "clock-drift", keys: []string{"ppm"}, needs: []string{"ppm"}},
	{name: "client-crash", on: onClients},
}

var faultKeys = []string{"name", "at", "duration", "every", "times", "when", "action", "selector", "mode", "value",
	"stagger", "systems", "optional", "permanent", "boot"}

// operation is one verb of the table of operations.
type operation struct {
	name   string
	keys   []string
	models []string // nil = all
	built  bool
}

var restartKeys = []string{"order", "wait", "pause", "settings"}

var operations = []operation{
	{"start", restartKeys, nil, true},
	{"stop", restartKeys, nil, true},
	{"restart", restartKeys, nil, true},
	{"wait", []string{"for", "until"}, nil, true},
	{"set-config", []string{"definition"}, nil, true},
	{"set-policy", []string{"name", "pattern", "definition"}, []string{"rabbitmq"}, true},
	{"clear-policy", []string{"name"}, []string{"rabbitmq"}, false},
	{"promote-slave", []string{"role", "took"}, []string{"rocketmq"}, true},
	{"wipe-write-perm", []string{"group"}, []string{"rocketmq"}, false},
	{"add-write-perm", []string{"group"}, []string{"rocketmq"}, false},
	{"preferred-election", []string{"partition"}, []string{"kafka"}, false},
	{"unclean-election", []string{"partition"}, []string{"kafka"}, false},
	{"reassign", []string{"partition", "to"}, []string{"kafka"}, false},
	{"sync-queue", []string{"queue"}, []string{"rabbitmq"}, true},
	{"cancel-sync", []string{"queue"}, []string{"rabbitmq"}, false},
	{"delete-queue", []string{"queue"}, []string{"rabbitmq"}, false},
	{"declare-queue", []string{"queue"}, []string{"rabbitmq"}, false},
	{"forget-node", []string{"node"}, []string{"rabbitmq"}, false},
	{"force-boot", []string{"node"}, []string{"rabbitmq"}, false},
	{"reset-node", []string{"node"}, []string{"rabbitmq"}, false},
	{"grow", []string{"queue", "node"}, []string{"rabbitmq"}, false},
	{"shrink", []string{"queue", "node"}, []string{"rabbitmq"}, false},
	{"rebalance", []string{"queue"}, []string{"rabbitmq"}, false},
	{"close-connections", []string{"node"}, []string{"rabbitmq"}, false},
	{"wipe-and-rejoin", nil, nil, false},
	{"pause-client", nil, nil, false},
	{"resume-client", nil, nil, false},
	{"restart-client", nil, nil, false},
	{"set-rate", []string{"rate"}, nil, true},
}

var operationKeys = []string{"name", "at", "when", "do", "selector", "systems", "must"}

// events that every model has.
var commonEvents = []string{"process-ready", "process-died", "host-down", "host-up", "disk-full", "client-reconnected",
	"consumer-assigned", "fault-start", "fault-end"}

// roles that every model has; coordinator is a model's own, RabbitMQ has none.
var commonRoles = []string{"primary", "replica", "brokers", "all"}

// laterRoles are words of models whose tables are not here yet.
var laterRoles = []string{"namesrv", "master", "slave", "home", "mirror"}

var topKeys = []string{"name", "title", "lesson", "teaches", "seed", "duration", "warmup", "drain", "outageThreshold",
	"slo", "workload", "streams", "hardware", "network", "disk", "cpu", "boot", "systems", "setup", "faults", "operations", "expect"}

func actionNamed(name string) *action {
	for i := range actions {
		if actions[i].name == name {
			return &actions[i]
		}
	}
	return nil
}

func actionNames() []string {
	var out []string
	for _, a := range actions {
		out = append(out, a.name)
	}
	return out
}

func operationNamed(name string) *operation {
	for i := range operations {
		if operations[i].name == name {
			return &operations[i]
		}
	}
	return nil
}

func operationNames() []string {
	var out []string
	for _, o := range operations {
		out = append(out, o.name)
	}
	return out
}
