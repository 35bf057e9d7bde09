package rocketmq_test

import (
	"strings"
	"testing"

	"github.com/mqsim/mqsim/internal/outcomes"
)

// TestOutcomes runs the rows of the outcome table, one or more scenario files each.
func TestOutcomes(t *testing.T) { outcomes.Run(t, "testdata/outcomes") }

// TestMore runs scenarios of rules that no row of the table is about.
func TestMore(t *testing.T) { outcomes.Run(t, "testdata/more") }

// rows are the numbers of the outcome table: crashes of masters, of slaves and replication, consumers,
// NameServers, disks, the modes that switch by themselves, the rest.
const rows = "1 2 3 4 5 7 8 9 10 11 12 14 15 16 17 19 21 22 23 25 26 27 28 29 30 31 33 34 35 36 38 39 40 41 42 43 45 47 " +
	"48 49 50 51 52 53 54 55 56 58 59 60 62 63 64 65 67 68 " + issues

// issues are the known ones that a simulator can reproduce.
const issues = "B1 B2 B3 B4 B5 B6 B7 B8 B9 B10 B11 B12 B13 B14 B15 B16 B17 B18 B19 B20 B21 B22 B23 B24 B25 B26 B27"

// TestOutcomesAreCovered: each row and known issue is stated by a file, by a test, or missing for a reason.
func TestOutcomesAreCovered(t *testing.T) {
	outcomes.Covered(t, "testdata/outcomes", strings.Fields(rows))
}
