package rocketmq_test

import (
	"strings"
	"testing"

	"github.com/mqsim/mqsim/internal/outcomes"
)

// TestOutcomes runs the rows of the outcome table, one or more scenario files each.
func TestOutcomes(t *testing.T) { outcomes.Run(t, "testdata/outcomes") }

// rows are the numbers of the outcome table: crashes of masters, of slaves and replication, consumers,
// NameServers, disks, the modes that switch by themselves, the rest.
const rows = "1 2 3 4 5 7 8 9 10 11 12 14 15 16 17 19 21 22 23 25 26 27 28 29 30 31 33 34 35 36 38 39 40 41 42 43 45 47 " +
	"48 49 50 51 52 53 54 55 56 58 59 60 62 63 64 65 67 68"

// TestOutcomesAreCovered: each row is stated by a file, by a test, or missing for a reason.
func TestOutcomesAreCovered(t *testing.T) {
	outcomes.Covered(t, "testdata/outcomes", strings.Fields(rows))
}
