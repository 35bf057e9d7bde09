package kafka_test

import (
	"testing"

	"github.com/mqsim/mqsim/internal/outcomes"
)

// TestOutcomes is the exam: each row of the outcome table as a scenario.
func TestOutcomes(t *testing.T) { outcomes.Run(t, "testdata/outcomes") }
