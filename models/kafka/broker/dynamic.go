package broker

import (
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/models/kafka/controller"
	meta "github.com/mqsim/mqsim/models/kafka/metadata"
	"github.com/mqsim/mqsim/models/kafka/replica"
	"github.com/mqsim/mqsim/models/kafka/wire"
	"github.com/mqsim/mqsim/models/kafka/zk"
	"github.com/mqsim/mqsim/sim"
)

// Dynamic configuration. In ZooKeeper mode (ZkConfigManager, KIP-226): the settings of a topic or a broker
// are a znode below /config, and a note below /config/changes tells every broker to read it again. A
// broker that starts reads all notes; they are never purged here, where Kafka does so after 15 minutes,
// having read all of /config at the start. In KRaft mode the settings are records of the metadata.

// dynamic are the settings that were changed while the cluster ran.
type dynamic struct {
	seen     string // the last note that was read
	entities map[string][]wire.Setting
}

const (
	topicEntity    = "topics/"
	brokerEntity   = "brokers/"
	defaultBrokers = brokerEntity + "<default>"
)

// topicConfig is what a topic is configured with at this moment.
func (b *Broker) topicConfig(topic string) replica.TopicConfig {
	d := &b.dynamic
	if len(d.entities) == 0 || b.cfg.TopicWith == nil {
		return b.cfg.Replica.Topic(topic)
	}
	own := append(slices.Clone(d.entities[defaultBrokers]), d.entities[brokerEntity+itoa(b.cfg.ID)]...)
	return b.cfg.TopicWith(topic, own, d.entities[topicEntity+topic])
}

// configure takes over the settings of a topic or a broker from the metadata (DynamicConfigPublisher).
func (b *Broker) configure(kind int8, resource string, img *meta.Image) string {
	entity := topicEntity + resource
	if kind == meta.BrokerConfig {
		entity = brokerEntity + resource
		if resource == "" {
			entity = defaultBrokers
		}
	}
	if b.dynamic.entities == nil {
		b.dynamic.entities = map[string][]wire.Setting{}
	}
	b.dynamic.entities[entity] = slices.Clone(img.Configs(kind, resource))
	return entity
}

// configureAll takes over all settings of metadata that came as a snapshot.
func (b *Broker) configureAll(img *meta.Image) {
	for _, t := range img.Topics {
		if len(t.Configs) > 0 {
			b.configure(meta.TopicConfig, t.Name, img)
		}
	}
	for _, s := range img.Settings {
		b.configure(meta.BrokerConfig, s.Name, img)
	}
}

// alterConfigs writes settings and the note about them (ZkAdminManager.incrementalAlterConfigs).
func (b *Broker) alterConfigs(c *sim.Conn, m *wire.AlterConfigsRequest) {
	entity := topicEntity + m.Topic
	if m.Topic == "" {
		entity = brokerEntity + strconv.Itoa(int(m.Broker))
		if m.Broker < 0 {
			entity = defaultBrokers
		}
	}
	answer := func(code zk.Code) {
		r := &wire.AlterConfigsResponse{RespHeader: wire.RespHeader{Corr: m.Corr}}
		if code != zk.OK {
			r.Err = wire.UnknownServerError
		}
		b.reply(c, r)
	}
	path := controller.ConfigPath(entity)
	b.zk.Retry(zk.GetDataRequest(path, false), func(r zk.Response) {
		data := controller.MergeConfig(r.Data, m.Configs)
		write := zk.SetDataRequest(path, data, zk.AnyVersion)
		if r.Code == zk.NoNode {
			write = zk.CreateRequest(path, data, zk.Persistent)
		}
		b.zk.Retry(write, func(r zk.Response) {
			if r.Code != zk.OK {
				answer(r.Code)
				return
			}
			note := zk.CreateRequest(controller.ConfigNotePath, controller.EncodeConfigNote(entity), zk.PersistentSequential)
			b.zk.Retry(note, func(r zk.Response) { answer(r.Code) })
		})
	})
}

// readNotes reads the notes that are new, watches for the next, and takes over what they are about.
func (b *Broker) readNotes() {
	b.zk.Retry(zk.GetChildrenRequest(controller.ConfigNotes, true), func(r zk.Response) {
		names := slices.Clone(r.Children)
		slices.Sort(names)
		for _, name := range names {
			if name <= b.dynamic.seen {
				continue
			}
			b.dynamic.seen = name
			b.zk.Retry(zk.GetDataRequest(controller.ConfigNotes+"/"+name, false), func(r zk.Response) {
				if entity := controller.DecodeConfigNote(r.Data); r.Code == zk.OK && entity != "" {
					b.readConfig(entity)
				}
			})
		}
	})
}

func (b *Broker) readConfig(entity string) {
	b.zk.Retry(zk.GetDataRequest(controller.ConfigPath(entity), false), func(r zk.Response) {
		if r.Code != zk.OK {
			return
		}
		if b.dynamic.entities == nil {
			b.dynamic.entities = map[string][]wire.Setting{}
		}
		b.dynamic.entities[entity] = controller.DecodeConfig(r.Data)
		b.p.Emit("config-changed", "", entity)
		b.rm.Reconfigure()
		b.ctl.Reconfigured()
	})
}
