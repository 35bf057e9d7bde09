package controller

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/wire"
)

// Paths of KafkaZkClient (ZkData.scala).
const (
	pathController      = "/controller"
	pathControllerEpoch = "/controller_epoch"
	pathIDs             = "/brokers/ids"
	pathTopics          = "/brokers/topics"
	pathTopicConfigs    = "/config/topics"
	pathLogDirEvents    = "/log_dir_event_notification"
	pathISRChanges      = "/isr_change_notification"
	pathConfig          = "/config"
)

// LogDirEventPath is where brokers create the sequential nodes that tell of a failed log directory.
const LogDirEventPath = pathLogDirEvents + "/log_dir_event_"

// TopLevelPaths are the persistent nodes that every broker makes sure of at its start.
var TopLevelPaths = []string{
	"/consumers", "/brokers", pathIDs, pathTopics, pathConfig, pathTopicConfigs, "/config/clients", "/config/brokers",
	ConfigNotes, "/admin", "/admin/delete_topics", "/brokers/seqid", pathISRChanges,
	"/latest_producer_id_block", pathLogDirEvents,
}

// BrokerPath is the ephemeral node of a live broker.
func BrokerPath(id int32) string { return pathIDs + "/" + itoa(id) }

func topicPath(topic string) string      { return pathTopics + "/" + topic }
func partitionsPath(topic string) string { return pathTopics + "/" + topic + "/partitions" }
func partitionPath(tp wire.TopicPartition) string {
	return partitionsPath(tp.Topic) + "/" + itoa(tp.Partition)
}
func statePath(tp wire.TopicPartition) string { return partitionPath(tp) + "/state" }

// leaderISR is the content of a partition's state znode; version is the znode's.
type leaderISR struct {
	Leader          int32
	LeaderEpoch     int32
	ISR             []int32
	ControllerEpoch int32
	Recovering      bool
	version         int32
}

type stateJSON struct {
	ControllerEpoch int32   `json:"controller_epoch"`
	Leader          int32   `json:"leader"`
	Version         int32   `json:"version"`
	LeaderEpoch     int32   `json:"leader_epoch"`
	ISR             []int32 `json:"isr"`
	Recovery        int32   `json:"leader_recovery_state,omitempty"`
}

func encodeState(s *leaderISR) []byte {
	j := stateJSON{ControllerEpoch: s.ControllerEpoch, Leader: s.Leader, Version: 1, LeaderEpoch: s.LeaderEpoch, ISR: s.ISR}
	if s.Recovering {
		j.Recovery = 1
	}
	return mustJSON(&j)
}

func decodeState(data []byte, version int32) (leaderISR, bool) {
	var j stateJSON
	if json.Unmarshal(data, &j) != nil {
		return leaderISR{}, false
	}
	return leaderISR{
		Leader: j.Leader, LeaderEpoch: j.LeaderEpoch, ISR: j.ISR, ControllerEpoch: j.ControllerEpoch,
		Recovering: j.Recovery == 1, version: version,
	}, true
}

type brokerJSON struct {
	Protocols map[string]string `json:"listener_security_protocol_map"`
	Endpoints []string          `json:"endpoints"`
	JMXPort   int               `json:"jmx_port"`
	Features  struct{}          `json:"features"`
	Host      string            `json:"host"`
	Timestamp string            `json:"timestamp"`
	Port      int               `json:"port"`
	Version   int               `json:"version"`
}

// EncodeBroker is the content of a broker's registration.
func EncodeBroker(host string, wall int64) []byte {
	return mustJSON(&brokerJSON{
		Protocols: map[string]string{"PLAINTEXT": "PLAINTEXT", "REPLICATION": "PLAINTEXT", "CONTROL": "PLAINTEXT"},
		Endpoints: []string{"PLAINTEXT://" + host + ":9092", "REPLICATION://" + host + ":9093", "CONTROL://" + host + ":9094"},
		JMXPort:   -1, Host: host, Timestamp: strconv.FormatInt(wall, 10), Port: 9092, Version: 5,
	})
}

func decodeBroker(data []byte) (host string, ok bool) {
	var j brokerJSON
	if json.Unmarshal(data, &j) != nil {
		return "", false
	}
	return j.Host, true
}

type topicJSON struct {
	Partitions map[string][]int32 `json:"partitions"`
	Adding     map[string][]int32 `json:"adding_replicas"`
	Removing   map[string][]int32 `json:"removing_replicas"`
	Version    int                `json:"version"`
}

func encodeTopic(assignment [][]int32) []byte {
	j := topicJSON{Partitions: map[string][]int32{}, Adding: map[string][]int32{}, Removing: map[string][]int32{}, Version: 3}
	for i, a := range assignment {
		j.Partitions[strconv.Itoa(i)] = a
	}
	return mustJSON(&j)
}

// encodeReassigned is a topic whose partitions may be under reassignment; parts are all of it, in order.
func encodeReassigned(parts []*partition) []byte {
	j := topicJSON{Partitions: map[string][]int32{}, Adding: map[string][]int32{}, Removing: map[string][]int32{}, Version: 3}
	for _, p := range parts {
		n := strconv.Itoa(int(p.tp.Partition))
		j.Partitions[n] = p.replicas
		if p.target != nil {
			j.Adding[n], j.Removing[n] = p.adding, p.removing
		}
	}
	return mustJSON(&j)
}

// decodeReassigned returns what a partition gains and loses by the reassignment that is under way.
func decodeReassigned(data []byte, partition int32) (adding, removing []int32) {
	var j topicJSON
	if json.Unmarshal(data, &j) != nil {
		return nil, nil
	}
	n := strconv.Itoa(int(partition))
	return j.Adding[n], j.Removing[n]
}

// decodeTopic returns the assignment by partition number.
func decodeTopic(data []byte) [][]int32 {
	var j topicJSON
	if json.Unmarshal(data, &j) != nil {
		return nil
	}
	out := make([][]int32, len(j.Partitions))
	for i := range out {
		out[i] = j.Partitions[strconv.Itoa(i)]
	}
	return out
}

func encodeConfig(settings []wire.Setting) []byte {
	j := struct {
		Version int               `json:"version"`
		Config  map[string]string `json:"config"`
	}{1, map[string]string{}}
	for _, s := range settings {
		j.Config[s.Name] = s.Value
	}
	return mustJSON(&j)
}

func encodeController(id int32) []byte {
	return []byte(`{"version":2,"brokerid":` + itoa(id) + `,"timestamp":"0","kraftControllerEpoch":-1}`)
}

// DecodeController is the broker named in /controller, -1 if it cannot be read.
func DecodeController(data []byte) int32 { return decodeController(data) }

func decodeController(data []byte) int32 {
	j := struct {
		ID *int32 `json:"brokerid"`
	}{}
	if json.Unmarshal(data, &j) != nil || j.ID == nil {
		return -1
	}
	return *j.ID
}

func encodeEpoch(e int32) []byte { return []byte(itoa(e)) }

func decodeEpoch(data []byte) int32 {
	n, err := strconv.ParseInt(string(data), 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// mustJSON encodes; maps are written in order of their keys.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("kafka controller: " + err.Error())
	}
	return b
}

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }

func contains(list []int32, id int32) bool { return slices.Contains(list, id) }

func filter(list []int32, keep func(int32) bool) []int32 {
	out := make([]int32, 0, len(list))
	for _, id := range list {
		if keep(id) {
			out = append(out, id)
		}
	}
	return out
}

func without(list []int32, id int32) []int32 {
	return filter(list, func(x int32) bool { return x != id })
}

// insert keeps a list ascending and free of doubles.
func insert(list []int32, id int32) []int32 {
	at, found := slices.BinarySearch(list, id)
	if found {
		return list
	}
	return slices.Insert(list, at, id)
}

// ids prints a set of brokers: 1,2,3.
func ids(list []int32) string {
	s := ""
	for i, id := range list {
		if i > 0 {
			s += ","
		}
		s += itoa(id)
	}
	return s
}
