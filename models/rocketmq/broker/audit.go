package broker

import "github.com/mqsim/mqsim/models/rocketmq/store"

// Messages is the broker's store, for readers outside of the simulated time; nil while it is loading.
func (b *Broker) Messages() *store.Store {
	if b.store == nil {
		return nil
	}
	return b.store.Store
}

// Adopt takes over the settings of another configuration, as an edited broker.conf does. What a broker
// reads anew each time changes at once, the rest with its next start.
func (c *Config) Adopt(from *Config) {
	role, booted, failed := c.lastRole, c.booted, c.SyncFailed
	*c = *from
	c.lastRole, c.booted, c.SyncFailed = role, booted, failed
}
