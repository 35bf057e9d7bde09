package kafka_test

import (
	"strings"
	"testing"

	"github.com/mqsim/mqsim/internal/outcomes"
)

// TestOutcomes is the exam: each row of the outcome table as a scenario.
func TestOutcomes(t *testing.T) { outcomes.Run(t, "testdata/outcomes") }

// tableRows are the numbers of the outcome table, which has gaps.
const tableRows = "1 2 3 4 6 7 8 9 10 11 13 14 15 16 17 18 19 20 21 23 24 25 27 28 29 30 31 32 33 34 35 37 38 40 42 43 44 46 47 48 49 " +
	"51 52 53 55 56 57 59 60 61 62 63 64 65 67 68 69 70 71 72 73 74 76"

// TestOutcomesCovered: every row is stated by a file, or listed with the test that states it or with the reason
// why nothing does.
func TestOutcomesCovered(t *testing.T) {
	outcomes.Covered(t, "testdata/outcomes", strings.Fields(tableRows))
}
