package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

// Formats are the names of the renderings.
func Formats() []string { return []string{"table", "json", "bench"} }

// Render writes a result in one of the formats.
func Render(w io.Writer, r *Result, format, lang string) error {
	switch format {
	case "table":
		return Table(w, r, lang)
	case "json":
		return JSON(w, r)
	case "bench":
		return Bench(w, r)
	}
	return fmt.Errorf("no format %q; there are %s", format, strings.Join(Formats(), ", "))
}

// JSON writes the whole result.
func JSON(w io.Writer, r *Result) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Bench writes Go's benchmark text, which benchstat reads. Run the lab several times for a comparison:
// one run is one sample.
func Bench(w io.Writer, r *Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: github.com/mqsim/mqsim/lab\n", r.Machine.OS, r.Machine.Arch)
	for _, e := range r.Experiments {
		for _, row := range e.Rows {
			fmt.Fprintf(&b, "BenchmarkLab/%s/%s %d %.4g ns/op", e.ID, row.Name, row.Ops, row.Nanos)
			if row.Bytes > 0 {
				fmt.Fprintf(&b, " %.4g MB/s", row.Rate()/1e6)
			}
			if row.CPU > 0 {
				fmt.Fprintf(&b, " %.4g cpu-ns/op", row.CPU)
			}
			for _, v := range row.Extra {
				fmt.Fprintf(&b, " %.6g %s", v.Value, v.Unit)
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Table writes the result for people.
func Table(w io.Writer, r *Result, lang string) error {
	head := [...]string{"", "operations/s", "time", "MB/s", "CPU", ""}
	machine := "%s/%s, %d CPUs, %s of memory, %s, files in %s\n"
	if lang == "zh" {
		head = [...]string{"", "次/秒", "耗时", "MB/s", "CPU", ""}
		machine = "%s/%s，%d 个 CPU，内存 %s，%s，文件位于 %s\n"
	}
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, machine, m.OS, m.Arch, m.CPUs, size(m.Memory), m.Go, m.Dir)
	for _, e := range r.Experiments {
		fmt.Fprintf(&b, "\n%s  %s\n", e.ID, e.Title.In(lang))
		rows := [][len(head)]string{head}
		for _, row := range e.Rows {
			rows = append(rows, cells(row))
		}
		align(&b, rows)
		for line := range strings.SplitSeq(e.Lesson.In(lang), "\n") {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		for _, n := range e.Notes {
			fmt.Fprintf(&b, "  ! %s\n", n.In(lang))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cells are a row's columns.
func cells(r Row) [6]string {
	out := [6]string{0: r.Name, 1: count(1e9 / r.Nanos), 2: span(r.Nanos)}
	if r.Bytes > 0 {
		out[3] = fmt.Sprintf("%.1f", r.Rate()/1e6)
	}
	if r.CPU > 0 {
		out[4] = span(r.CPU)
	}
	var extra []string
	for _, v := range r.Extra {
		extra = append(extra, value(v))
	}
	out[5] = strings.Join(extra, ", ")
	return out
}

// align prints the first and the last column to the left, the others to the right.
func align(b *strings.Builder, rows [][6]string) {
	var wide [6]int
	for _, row := range rows {
		for i, c := range row {
			wide[i] = max(wide[i], width(c))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", wide[i]-width(c))
			if i == 0 {
				line.WriteString("  " + c + pad)
			} else if i == len(row)-1 {
				line.WriteString("  " + c)
			} else {
				line.WriteString("  " + pad + c)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// width is the columns of a string on a terminal.
func width(s string) (n int) {
	for _, r := range s {
		n++
		if unicode.Is(unicode.Han, r) {
			n++
		}
	}
	return n
}

// value is a figure with its unit in words.
func value(v Value) string {
	switch {
	case strings.HasPrefix(v.Unit, "ns/"):
		return span(v.Value) + "/" + strings.TrimPrefix(v.Unit, "ns/")
	case strings.HasSuffix(v.Unit, "-B"):
		return strings.TrimSuffix(v.Unit, "-B") + " " + size(int64(v.Value))
	case v.Unit == "ratio":
		return fmt.Sprintf("%.2fx smaller", v.Value)
	}
	return fmt.Sprintf("%.1f %s", v.Value, v.Unit)
}

// span is a time of three or so digits.
func span(nanos float64) string {
	d := time.Duration(nanos)
	switch {
	case nanos < 1000:
		return fmt.Sprintf("%.1f ns", nanos)
	case d < time.Millisecond:
		return fmt.Sprintf("%.2f us", nanos/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.2f ms", nanos/1e6)
	}
	return fmt.Sprintf("%.2f s", nanos/1e9)
}

func count(n float64) string {
	if n < 100 {
		return fmt.Sprintf("%.1f", n)
	}
	digits := fmt.Sprintf("%.0f", n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
