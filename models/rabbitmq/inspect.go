package rabbitmq

import (
	"io/fs"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rabbitmq/store"
)

// Knows says which of RabbitMQ's files or folders a path is.
func (Model) Knows(fsys fs.FS, path string) string { return store.Knows(fsys, path) }

// Inspect prints one.
func (Model) Inspect(in *models.Inspection) (damaged int, err error) { return store.Print(in) }

var _ models.Inspector = Model{}
