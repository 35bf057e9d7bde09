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
	needs  []string // of these, those without a default; node: unless a selector names it
	models []string // nil = all
	on     victims
}

var (
	restartKeys = []string{"order", "wait", "pause", "settings"}
	kafkaOnly   = []string{"kafka"}
	rocketOnly  = []string{"rocketmq"}
	rabbitOnly  = []string{"rabbitmq"}
	queueOf     = []string{"queue", "node"}
)

var operations = []operation{
	{name: "start", keys: restartKeys},
	{name: "stop", keys: restartKeys},
	{name: "restart", keys: restartKeys},
	{name: "wait", keys: []string{"for", "until"}},
	{name: "set-config", keys: []string{"name", "definition"}, on: onServers},
	{name: "set-policy", keys: []string{"name", "pattern", "definition"}, needs: []string{"name"}, models: rabbitOnly, on: onServers},
	{name: "clear-policy", keys: []string{"name"}, needs: []string{"name"}, models: rabbitOnly, on: onServers},
	{name: "promote-slave", keys: []string{"role", "took"}, models: rocketOnly, on: onServers},
	{name: "wipe-write-perm", keys: []string{"group"}, models: rocketOnly, on: onServers},
	{name: "add-write-perm", keys: []string{"group"}, models: rocketOnly, on: onServers},
	{name: "preferred-election", keys: []string{"partition"}, models: kafkaOnly, on: onServers},
	{name: "unclean-election", keys: []string{"partition"}, models: kafkaOnly, on: onServers},
	{name: "reassign", keys: []string{"partition", "to"}, needs: []string{"partition", "to"}, models: kafkaOnly, on: onServers},
	{name: "sync-queue", keys: queueOf, needs: []string{"queue"}, models: rabbitOnly, on: onServers},
	{name: "cancel-sync", keys: queueOf, needs: []string{"queue"}, models: rabbitOnly, on: onServers},
	{name: "delete-queue", keys: queueOf, needs: []string{"queue"}, models: rabbitOnly, on: onServers},
	{name: "declare-queue", keys: queueOf, needs: []string{"queue"}, models: rabbitOnly, on: onServers},
	{name: "forget-node", keys: []string{"node"}, needs: []string{"node"}, models: rabbitOnly, on: onServers},
	{name: "force-boot", keys: []string{"node"}, needs: []string{"node"}, models: rabbitOnly, on: onServers},
	{name: "reset-node", keys: []string{"node"}, needs: []string{"node"}, models: rabbitOnly, on: onServers},
	{name: "grow", keys: queueOf, needs: queueOf, models: rabbitOnly, on: onServers},
	{name: "shrink", keys: queueOf, needs: queueOf, models: rabbitOnly, on: onServers},
	{name: "rebalance", keys: []string{"queue"}, models: rabbitOnly, on: onServers},
	{name: "close-connections", keys: []string{"node"}, needs: []string{"node"}, models: rabbitOnly, on: onServers},
	{name: "wipe-and-rejoin", on: onServers},
	{name: "pause-client", on: onClients},
	{name: "resume-client", on: onClients},
	{name: "restart-client", on: onClients},
	{name: "set-rate", keys: []string{"rate"}, on: onClients},
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
