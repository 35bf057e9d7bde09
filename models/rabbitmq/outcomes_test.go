package rabbitmq_test

import (
	"strings"
	"testing"

	"github.com/mqsim/mqsim/internal/outcomes"
)

// classicRows are the rows of the outcome table about classic and mirrored queues.
const classicRows = `C1 C2 C4 C5 C6 C7 C8 C10 C11 C11m C12 C13 C14 C15 C17 C18 C19 C20 C21 C22 C23 C24 C25
	M1 M2 M3 M4 M6 M7 M8 M10 M11 M12 M13 M14 M16 M17 M19 M20 M21 M24 M25 M26 M27 M28 M29 M31 M32 M33 M34`

// TestOutcomes is the exam: each row of the outcome table as a scenario.
func TestOutcomes(t *testing.T) { outcomes.Run(t, "testdata/outcomes") }

// TestOutcomeRowsCovered says where each row is.
func TestOutcomeRowsCovered(t *testing.T) {
	outcomes.Covered(t, "testdata/outcomes", strings.Fields(classicRows))
}
