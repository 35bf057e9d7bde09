package rocketmq

import (
	"io/fs"

	"github.com/mqsim/mqsim/models"
	"github.com/mqsim/mqsim/models/rocketmq/inspect"
)

// Knows says which of RocketMQ's files or folders a path is.
func (Model) Knows(fsys fs.FS, path string) string { return inspect.Knows(fsys, path) }

// Inspect prints one.
func (Model) Inspect(in *models.Inspection) (damaged int, err error) { return inspect.Print(in) }

var _ models.Inspector = Model{}
