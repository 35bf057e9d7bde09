package profile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/sim"
)

// Groups names the broker groups: a, b ...
func Groups(r *models.Resolved) []string {
	var out []string
	for i := range r.Int(models.Topology, "brokerGroups") {
		out = append(out, string(rune('a'+i)))
	}
	return out
}

// BrokerHost names a broker's machine: broker-a-0 is the master of group a at the start.
func BrokerHost(group string, id int) string { return "broker-" + group + "-" + strconv.Itoa(id) }

// NamesrvHost names a NameServer's machine, from 1.
func NamesrvHost(n int) string { return "namesrv-" + strconv.Itoa(n) }

// hosts names the servers: coordinators first, as they boot first, then the brokers group by group.
func hosts(r *models.Resolved) []string {
	var out []string
	for i := range r.Int(models.Topology, "nameservers") {
		out = append(out, NamesrvHost(int(i)+1))
	}
	if r.Str(models.Topology, "mode") == "controller" {
		for i := range r.Int(models.Topology, "controllers") {
			out = append(out, "controller-"+strconv.FormatInt(i+1, 10))
		}
	}
	for _, g := range Groups(r) {
		for id := range r.Int(models.Topology, "slaves") + 1 {
			out = append(out, BrokerHost(g, int(id)))
		}
	}
	return out
}

// DelayLevels reads messageDelayLevel: "1s 5s 10s 2h", with the units s, m, h and d
// (ScheduleMessageService.parseDelayLevel).
func DelayLevels(text string) ([]sim.Time, error) {
	var out []sim.Time
	for _, word := range strings.Fields(text) {
		unit, ok := map[byte]sim.Time{'s': sim.Second, 'm': sim.Minute, 'h': sim.Hour, 'd': 24 * sim.Hour}[word[len(word)-1]]
		n, err := strconv.ParseInt(word[:len(word)-1], 10, 32)
		if !ok || err != nil || n < 0 {
			return nil, fmt.Errorf("%q is not a delay level such as 10s or 2h", word)
		}
		out = append(out, sim.Time(n)*unit)
	}
	return out, nil
}

// nobody says why a role stays empty for the whole run.
func nobody(r *models.Resolved, _ []models.Stream, role, _ string) string {
	if (role == "replica" || role == "slave") && r.Int(models.Topology, "slaves") == 0 {
		return "there are no slaves (slaves: 0)"
	}
	return ""
}

// check says what RocketMQ itself refuses at start, and what mqsim's own keys cannot mean.
func check(sys *models.System, r *models.Resolved, streams []models.Stream) []models.Problem {
	var out []models.Problem
	problem := func(at models.Pos, path, format string, args ...any) {
		out = append(out, models.Problem{Pos: at, Path: path, Text: fmt.Sprintf(format, args...)})
	}
	at := func(s models.Section, name string) models.Pos {
		for _, e := range sys.Sections[s] {
			if e.Name == name {
				return e.At
			}
		}
		return sys.Pos
	}
	switch mode := r.Str(models.Topology, "mode"); {
	case mode == "dledger" && !r.AtLeast("4.5"):
		problem(at(models.Topology, "mode"), "mode", "dledger is not in rocketmq %s: it came with 4.5", r.Version())
	case (mode == "controller" || mode == "acting_master") && !r.AtLeast("5.0"):
		problem(at(models.Topology, "mode"), "mode", "%s is not in rocketmq %s: it came with 5.0", mode, r.Version())
	}
	if text := r.Str(models.Broker, "messageDelayLevel"); text != "" {
		if _, err := DelayLevels(text); err != nil {
			problem(at(models.Broker, "messageDelayLevel"), "broker.messageDelayLevel", "%v", err)
		}
	}
	if r.Str(models.Topology, "mode") == "classic" {
		for _, name := range []string{"minInSyncReplicas", "haMaxGapNotInSync"} {
			if r.IsSet(models.Broker, name) {
				out = append(out, models.Problem{Pos: at(models.Broker, name), Path: "broker." + name, Warn: true,
					Text: "without effect in mode classic (CommitLog.asyncPutMessage@5)"})
			}
		}
	}
	const sameRole = "slaves are made by slaves: N and promoted by promote-slave; brokerRole is that of the masters"
	if r.Str(models.Broker, "brokerRole") == "SLAVE" {
		problem(at(models.Broker, "brokerRole"), "broker.brokerRole", sameRole)
	}
	for _, h := range sys.Hosts {
		if role, ok := h.Settings.Get("brokerRole"); ok && (role == "SLAVE") != (h.Host[len(h.Host)-1] != '0') {
			problem(h.Pos, "hosts."+h.Host+".brokerRole", sameRole)
		}
	}
	for i := range streams {
		s := &streams[i]
		for j := range s.Producers {
			own := r.ForStream(s).With(models.ProducerSection, s.Producers[j].Settings)
			if most := own.Int(models.ProducerSection, "maxMessageSize"); int64(s.MessageSize) > most {
				problem(s.Pos, "streams["+s.Name+"].messageSize", "the producer refuses more than maxMessageSize (%d bytes)", most)
			}
			if own.Has(models.ProducerSection, "batchSize") && own.Int(models.ProducerSection, "batchSize") > 1 && s.Producers[j].Send != models.Async {
				problem(s.Pos, "streams["+s.Name+"].producers.batchSize", "batches are gathered for send: async only; sync is one message after the other, oneway knows no batches")
			}
		}
	}
	return out
}
