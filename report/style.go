package report

// paint is a meaning that a colour may stress; the text says it too.
type paint uint8

const (
	plain paint = iota
	good
	bad
	loud // must not be overlooked: INVALID, a violation
	faint
	strong
)

// style holds the symbols and colours of one rendering.
type style struct {
	color            bool
	tick, cross      string
	dash, dot, alarm string
	span             [3]string // left end, line, right end of a fault's mark
	levels           []string  // a sparkline's cells, from nothing to everything
}

func newStyle(o Options) style {
	if o.ASCII {
		return style{color: o.Color, tick: "ok", cross: "FAIL", dash: "-", dot: "|", alarm: "!!",
			span: [3]string{"|", "-", "|"}, levels: []string{".", "_", ",", ":", "-", "+", "=", "*", "#"}}
	}
	return style{color: o.Color, tick: "✓", cross: "✗", dash: "–", dot: "·", alarm: "‼",
		span: [3]string{"├", "─", "┤"}, levels: []string{"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}}
}

func (s style) paint(p paint, text string) string {
	code := [...]string{plain: "", good: "32", bad: "31", loud: "1;97;41", faint: "2", strong: "1"}[p]
	if !s.color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
