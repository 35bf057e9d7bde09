package report

import (
	"io"

	"github.com/mqsim/mqsim/result"
)

var jsonFormat = Format{
	Name: "json",
	Doc:  result.Text{En: "the whole result, byte-identical for equal scenario, seed and version", Zh: "完整结果；场景、种子与版本相同则逐字节相同"},
	Render: func(w io.Writer, f *result.File, o Options) error {
		if o.Summary {
			f = f.Summarize()
		}
		return result.Write(w, f)
	},
}
