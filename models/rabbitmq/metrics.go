package rabbitmq

import "github.com/mqsim/mqsim/models"

// Metrics are RabbitMQ's own counters since t = 0.
func (c *Cluster) Metrics() []models.Metric {
	s := c.stats
	return []models.Metric{
		{Name: "elections", Value: s.Promotions + s.Elections},
		{Name: "promoted_unsynced", Value: s.PromotedUnsynced},
		{Name: "split_brain", Value: int64(c.splitBrain()), Unit: "s"},
	}
}
