package report

import "strings"

// cell is the content of one field; a newline in its text begins a second line of the same row.
type cell struct {
	text  string
	paint paint
}

// column is one column of a grid.
type column struct {
	title string
	right bool
}

const gap = 2 // blanks between columns

// grid lays rows out under their columns within a width. It gives the lines of the title row and of
// each row. Where the natural widths do not fit, the widest columns give way first and their cells
// break into more lines; no cell is cut.
func grid(st style, cols []column, rows [][]cell, width int) [][]string {
	titles := make([]cell, len(cols))
	for i, c := range cols {
		titles[i] = cell{c.title, faint}
	}
	all := append([][]cell{titles}, rows...)
	widths := fit(all, width)
	out := make([][]string, len(all))
	for i, row := range all {
		out[i] = gridRow(st, cols, row, widths)
	}
	return out
}

// gridWidth is the width at which no cell has to break.
func gridWidth(cols []column, rows [][]cell) int {
	total := gap * (len(cols) - 1)
	for i, c := range cols {
		natural := columnsOf(c.title)
		for _, row := range rows {
			natural = max(natural, widestLine(row[i].text))
		}
		total += natural
	}
	return total
}

func widestLine(text string) int {
	n := 0
	for _, line := range strings.Split(text, "\n") {
		n = max(n, columnsOf(line))
	}
	return n
}

// fit chooses the widths of the columns.
func fit(rows [][]cell, width int) []int {
	n := len(rows[0])
	widths, least := make([]int, n), make([]int, n)
	total := gap * (n - 1)
	for i := range n {
		for _, row := range rows {
			widths[i] = max(widths[i], widestLine(row[i].text))
			least[i] = max(least[i], longestPiece(row[i].text))
		}
		total += widths[i]
	}
	for ; total > width; total-- {
		widest := -1
		for i := range n {
			if widths[i] > least[i] && (widest < 0 || widths[i] >= widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

func gridRow(st style, cols []column, row []cell, widths []int) []string {
	wrapped := make([][]string, len(row))
	height := 0
	for i, c := range row {
		wrapped[i] = wrapAt(c.text, widths[i], true)
		height = max(height, len(wrapped[i]))
	}
	lines := make([]string, height)
	for l := range lines {
		var b strings.Builder
		for i := range row {
			text := ""
			if l < len(wrapped[i]) {
				text = wrapped[i][l]
			}
			padded := pad(text, widths[i], cols[i].right)
			b.WriteString(strings.Replace(padded, text, st.paint(row[i].paint, text), 1))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", gap))
			}
		}
		lines[l] = b.String()
	}
	return lines
}
