package log

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// counted is a number of things: "1 entry", "2 entries".
func counted(n int64, what string) string {
	if n != 1 {
		if stem, ok := strings.CutSuffix(what, "y"); ok {
			what = stem + "ie"
		}
		if stem, ok := strings.CutSuffix(what, "ch"); ok {
			what = stem + "che"
		}
		what += "s"
	}
	return itoa(n) + " " + what
}

// checkpoint visits the entries of a text checkpoint and says in which line it breaks the format.
func (d *dump) checkpoint(entry string, visit func(line string) (ok bool)) {
	if len(d.b) == 0 {
		d.printf("no entries\n")
		return
	}
	if d.b[len(d.b)-1] != '\n' {
		d.damage(int64(len(d.b)), "the last line has no end")
	}
	lines := strings.Split(strings.TrimSuffix(string(d.b), "\n"), "\n")
	pos := int64(len(lines[0]) + 1)
	if lines[0] != "0" {
		d.damage(0, "line 1 is %q, not the version 0", lines[0])
		return
	}
	if len(lines) < 2 {
		d.damage(pos, "line 2, the number of entries, is missing")
		return
	}
	count, ok := parseInt([]byte(lines[1]), 1<<31-1)
	if !ok {
		d.damage(pos, "line 2 is %q, not a number of entries", lines[1])
		return
	}
	pos += int64(len(lines[1]) + 1)
	for i, line := range lines[2:] {
		if int64(i) >= count {
			d.damage(pos, "%d lines follow the %d entries that line 2 announces", len(lines)-2-i, count)
			return
		}
		if !visit(line) {
			d.damage(pos, "line %d is %q, not %s", i+3, line, entry)
		}
		pos += int64(len(line) + 1)
	}
	if have := int64(len(lines) - 2); have < count {
		d.damage(int64(len(d.b)), "%d entries, line 2 announces %d", have, count)
	}
	d.printf("%s\n", counted(count, "entry"))
}

// offsets prints an offset checkpoint of a log directory.
func (d *dump) offsets() error {
	d.checkpoint("a topic, a partition and an offset", func(line string) bool {
		e, err := ParseOffsets([]byte("0\n1\n" + line + "\n"))
		if err != nil {
			return false
		}
		if d.more() {
			d.printf("%s-%d offset: %d\n", e[0].Topic, e[0].Partition, e[0].Offset)
		}
		return true
	})
	return nil
}

// epochs prints a leader-epoch checkpoint.
func (d *dump) epochs() error {
	last := EpochEntry{None, None}
	d.checkpoint("a leader epoch and a start offset above the line before", func(line string) bool {
		e, err := ParseEpochs([]byte("0\n1\n" + line + "\n"))
		if err != nil || e[0].Epoch <= last.Epoch || e[0].Start <= last.Start {
			return false
		}
		last = e[0]
		if d.more() {
			d.printf("leaderEpoch: %d startOffset: %d\n", last.Epoch, last.Start)
		}
		return true
	})
	return nil
}

// properties prints meta.properties: KEY=VALUE lines, comments begin with #.
func (d *dump) properties() error {
	m, err := ParseMeta(d.b)
	pos := int64(0)
	for line := range bytes.Lines(d.b) {
		if s := strings.TrimSpace(string(line)); s != "" && s[0] != '#' && !strings.Contains(s, "=") {
			d.damage(pos, "%q is no KEY=VALUE", s)
		}
		pos += int64(len(line))
	}
	d.printf("version: %d cluster.id: %s broker.id: %d", m.Version, m.Cluster, m.Broker)
	if m.Directory != "" {
		d.printf(" directory.id: %s", m.Directory)
	}
	d.printf("\n")
	if err != nil && d.damaged == 0 {
		d.damage(0, "version, cluster.id or broker.id is missing or wrong")
	}
	return nil
}

// partition prints partition.metadata.
func (d *dump) partition() error {
	id, err := ParsePartitionMetadata(d.b)
	if err != nil {
		d.damage(0, "not the two lines version: 0 and topic_id: ID")
		return nil
	}
	d.printf("version: 0 topic_id: %s\n", id)
	return nil
}

// text prints a small text file as it is.
func (d *dump) text() error {
	if len(d.b) == 0 {
		d.printf("empty\n")
		return nil
	}
	d.printf("%s\n", bytes.TrimRight(d.b, "\n"))
	return nil
}

// Meta is the content of meta.properties.
type Meta struct {
	Version   int32
	Cluster   string // cluster.id
	Broker    int32  // broker.id, in KRaft node.id
	Directory string // directory.id, since 3.7
}

// AppendMeta encodes meta.properties of version 0, as a broker with ZooKeeper writes it (PropertiesUtils).
func AppendMeta(dst []byte, m Meta) []byte {
	dst = append(dst, "#\nbroker.id="...)
	dst = strconv.AppendInt(dst, int64(m.Broker), 10)
	dst = append(dst, "\ncluster.id="...)
	dst = append(dst, m.Cluster...)
	if m.Directory != "" {
		dst = append(dst, "\ndirectory.id="...)
		dst = append(dst, m.Directory...)
	}
	return append(dst, "\nversion=0\n"...)
}

// ParseMeta decodes meta.properties.
func ParseMeta(b []byte) (Meta, error) {
	m := Meta{Version: None, Broker: None}
	for line := range bytes.Lines(b) {
		key, value, _ := strings.Cut(strings.TrimSpace(string(line)), "=")
		switch key {
		case "version":
			m.Version = number(value)
		case "cluster.id":
			m.Cluster = value
		case "broker.id", "node.id":
			m.Broker = number(value)
		case "directory.id":
			m.Directory = value
		}
	}
	if m.Version < 0 || m.Broker < 0 || m.Cluster == "" {
		return m, ErrMalformed
	}
	return m, nil
}

func number(s string) int32 {
	if n, ok := parseInt([]byte(s), 1<<31-1); ok {
		return int32(n)
	}
	return None
}

// AppendPartitionMetadata encodes partition.metadata (PartitionMetadataFile).
func AppendPartitionMetadata(dst []byte, topicID string) []byte {
	dst = append(dst, "version: 0\ntopic_id: "...)
	dst = append(dst, topicID...)
	return append(dst, '\n')
}

// ParsePartitionMetadata decodes partition.metadata.
func ParsePartitionMetadata(b []byte) (topicID string, err error) {
	s, ok := strings.CutPrefix(string(b), "version: 0\ntopic_id: ")
	s = strings.TrimSuffix(s, "\n")
	if id, err := base64.RawURLEncoding.DecodeString(s); !ok || err != nil || len(id) != 16 {
		return "", ErrMalformed
	}
	return s, nil
}

// ID is a 16-byte id as Kafka prints it (Uuid.toString).
func ID(b [16]byte) string { return base64.RawURLEncoding.EncodeToString(b[:]) }
