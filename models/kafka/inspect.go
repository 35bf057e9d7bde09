package kafka

import (
	"io/fs"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/kafka/log"
)

// Knows says what a file or folder of a broker is.
func (Model) Knows(fsys fs.FS, path string) string { return log.Knows(fsys, path) }

// Inspect prints a segment, an index, a snapshot or a checkpoint, or what a folder of them holds.
func (Model) Inspect(in *models.Inspection) (damaged int, err error) { return log.Inspect(in) }

var _ models.Inspector = Model{}
