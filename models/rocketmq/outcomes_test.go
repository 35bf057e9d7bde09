package rocketmq_test

import (
	"testing"

	"github.com/mqsim/mqsim/internal/outcomes"
)

// TestOutcomes runs the rows of the outcome table, one scenario file each.
func TestOutcomes(t *testing.T) { outcomes.Run(t, "testdata/outcomes") }
