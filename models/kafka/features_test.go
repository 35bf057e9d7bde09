package kafka_test

import (
	"testing"

	"github.com/mqsim/mqsim/internal/outcomes"
)

// TestFeatures runs scenarios of what the outcome table does not speak of: reading from followers,
// reassignment, dynamic configuration. Their rows are sections of the specification.
func TestFeatures(t *testing.T) { outcomes.Run(t, "testdata/features") }
