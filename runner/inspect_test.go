package runner

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/models"
)

func TestInspectRefusesWhatNobodyKnows(t *testing.T) {
	var input *InputError
	_, err := Inspect(filepath.Join(t.TempDir(), "absent"), models.Inspection{Out: io.Discard})
	require.ErrorAs(t, err, &input)
	letter := filepath.Join(t.TempDir(), "letter.txt")
	require.NoError(t, os.WriteFile(letter, []byte("dear reader"), 0o600))
	_, err = Inspect(letter, models.Inspection{Out: io.Discard})
	require.ErrorAs(t, err, &input)
	require.ErrorContains(t, err, "no broker's file")
}
