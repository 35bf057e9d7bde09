package report

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"

	"github.com/mqsim/mqsim/result"
)

var csvFormat = Format{
	Name: "csv",
	Doc:  result.Text{En: "one row a run, one column a metric, for a spreadsheet or a data frame", Zh: "每次运行一行、每个指标一列，供电子表格或数据框使用"},
	Render: func(w io.Writer, f *result.File, _ Options) error {
		union := result.Metrics{}
		for _, r := range f.Results {
			for _, name := range r.Metrics.Names() {
				union[name] = 0
			}
		}
		names := union.Names()
		out := csv.NewWriter(w)
		head := []string{"scenario", "system", "model", "seed", "verdict", "failed_expectations", "digest"}
		if err := out.Write(append(slices.Clone(head), names...)); err != nil {
			return err
		}
		for _, r := range f.Results {
			row := []string{r.Scenario, r.System, r.Model, strconv.FormatUint(r.Seed, 10), string(r.Verdict), strconv.Itoa(failures(r)), r.Digest}
			for _, name := range names {
				row = append(row, csvCell(r.Metrics, name))
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	},
}

// csvCell is empty for what the model does not have and "inf" for what never ended.
func csvCell(m result.Metrics, name string) string {
	v, ok := m[name]
	switch {
	case !ok:
		return ""
	case v.IsNever():
		return "inf"
	}
	return v.String()
}

func failures(r *result.Result) (n int) {
	for _, e := range r.Expectations {
		if !e.Pass {
			n++
		}
	}
	return n
}
