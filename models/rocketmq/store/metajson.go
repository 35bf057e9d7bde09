package store

import (
	"bytes"
	"regexp"
)

// FastJSON puts compact JSON into the form in which the broker writes its tables: fastjson's pretty
// format, indented by tabs, without a space behind colons, and with maps of numbers to numbers on one line
// and their keys bare (RemotingSerializable.toJson; MapSerializer.java of fastjson 1). Strings must not
// contain brackets, commas or colons behind a digit; names of topics and groups cannot.
func FastJSON(compact []byte) []byte {
	var out []byte
	depth, inString := 0, false
	line := func() {
		out = append(out, '\n')
		for range depth {
			out = append(out, '\t')
		}
	}
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		switch {
		case inString:
			out = append(out, c)
			inString = c != '"'
		case c == '"' && i+1 < len(compact) && isDigit(compact[i+1]) && compact[i-1] != ':' && isNumber(compact[i+1:]):
			n := bytes.IndexByte(compact[i+1:], '"')
			out = append(out, compact[i+1:i+1+n]...)
			i += n + 1
		case c == '"':
			if p := compact[i-1]; p == '{' || p == ',' {
				line()
			}
			out, inString = append(out, c), true
		case c == '{':
			out = append(out, c)
			depth++
		case c == '}':
			depth--
			if compact[i-1] != '{' {
				line()
			}
			out = append(out, c)
		default:
			out = append(out, c)
		}
	}
	return out
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isNumber says whether a string that begins here is nothing but digits.
func isNumber(b []byte) bool {
	n := bytes.IndexByte(b, '"')
	for _, c := range b[:max(n, 0)] {
		if !isDigit(c) {
			return false
		}
	}
	return n > 0
}

var bareKey = regexp.MustCompile(`([{,]\s*)([0-9]+)(\s*:)`)

// StandardJSON quotes the bare keys of the broker's tables.
func StandardJSON(data []byte) []byte { return bareKey.ReplaceAll(data, []byte(`$1"$2"$3`)) }
