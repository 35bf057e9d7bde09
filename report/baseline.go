package report

import (
	"io"

	"github.com/mqsim/mqsim/result"
)

var baselineFormat = Format{
	Name: "baseline",
	Doc:  result.Text{En: "only what mqsim compare needs: small enough to check in", Zh: "仅含 mqsim compare 所需内容，足够小，可提交入库"},
	Render: func(w io.Writer, f *result.File, _ Options) error {
		return result.Write(w, f.Baseline())
	},
}
