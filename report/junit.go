package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mqsim/mqsim/result"
)

var junitFormat = Format{
	Name:   "junit",
	Doc:    result.Text{En: "JUnit XML, one test case per expectation, as GitLab, Jenkins and GitHub actions read it", Zh: "JUnit XML，每个期望一个用例，GitLab、Jenkins 与 GitHub 均可读取"},
	Render: func(w io.Writer, f *result.File, _ Options) error { return junit(w, f, false) },
}

var strictJUnitFormat = Format{
	Name:   "junit-strict",
	Doc:    result.Text{En: "JUnit XML within the schema of Jenkins' xUnit plugin: no file, line or properties", Zh: "符合 Jenkins xUnit 插件 schema 的 JUnit XML：无 file、line、properties"},
	Render: func(w io.Writer, f *result.File, _ Options) error { return junit(w, f, true) },
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr,omitempty"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr,omitempty"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property,omitempty"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Line    string        `xml:"line,attr,omitempty"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// junit writes one suite a scenario. Times are virtual seconds, so that equal runs give equal bytes; the
// text of a failure stands in its element, where every reader finds it.
func junit(w io.Writer, f *result.File, strict bool) error {
	all := junitSuites{Name: "mqsim"}
	total := result.Number(0)
	for _, s := range sections(f) {
		suite, time := suiteOf(f, s, strict)
		total += time
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Errors += suite.Errors
		all.Suites = append(all.Suites, suite)
	}
	if !strict {
		all.Time = total.Fixed(3)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func suiteOf(f *result.File, s *section, strict bool) (junitSuite, result.Number) {
	suite := junitSuite{Name: s.Name}
	total := result.Number(0)
	if !strict {
		suite.Properties = []junitProperty{{"mqsim", f.Version}, {"seeds", seedList(s.seeds)}}
	}
	used := map[string]int{}
	for _, y := range s.systems {
		for _, r := range y.runs {
			total += r.Ended
			if !strict {
				suite.Properties = append(suite.Properties, junitProperty{"digest." + r.System, r.Digest})
			}
			for _, c := range casesOf(s, r, strict) {
				if used[c.Class+c.Name]++; used[c.Class+c.Name] > 1 { // GitLab drops what has the same name
					c.Name += " (" + strconv.Itoa(used[c.Class+c.Name]) + ")"
				}
				suite.Cases = append(suite.Cases, c)
			}
		}
	}
	suite.Properties = distinct(suite.Properties)
	for _, c := range suite.Cases {
		suite.Tests++
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Error != nil {
			suite.Errors++
		}
	}
	suite.Time = total.Fixed(3)
	return suite, total
}

func distinct(list []junitProperty) (out []junitProperty) {
	seen := map[junitProperty]bool{}
	for _, p := range list {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}

// casesOf is one case per expectation; a run that proves nothing is one error.
func casesOf(s *section, r *result.Result, strict bool) []junitCase {
	many := len(s.seeds) > 1
	base := junitCase{Class: s.Name + "." + r.System, Time: "0.000"}
	name := func(text string) string {
		text = r.System + ": " + text
		if many {
			text += fmt.Sprintf(" (seed %d)", r.Seed)
		}
		return text
	}
	if !strict {
		base.File = s.File
	}
	if r.Verdict == result.Invalid || len(r.Broken) > 0 {
		c := base
		c.Name = name("the run is valid")
		text := append([]string(nil), r.Invalid...)
		for _, b := range r.Broken {
			text = append(text, "invariant "+b.Invariant+" broken at "+b.T.String()+" s: "+b.Detail)
		}
		c.Error = &junitProblem{Message: "INVALID", Type: "invalid", Text: strings.Join(text, "\n") + "\n"}
		return []junitCase{c}
	}
	var out []junitCase
	for i, x := range r.Expectations {
		c := base
		c.Name = name(check{Expectation: x}.label())
		if i == 0 {
			c.Time = r.Ended.Fixed(3)
		}
		if x.Line > 0 && !strict {
			c.Line = strconv.Itoa(x.Line)
		}
		if !x.Pass {
			c.Failure = &junitProblem{Message: "was " + x.Actual, Type: "expectation", Text: failureText(s, r, x)}
		}
		out = append(out, c)
	}
	return out
}

func failureText(s *section, r *result.Result, x result.Expectation) string {
	place := ""
	if x.Line > 0 {
		place = fmt.Sprintf("%s:%d: ", s.File, x.Line)
	}
	text := fmt.Sprintf("%s%s: %s, was %s with seed %d\n", place, r.System, check{Expectation: x}.label(), x.Actual, r.Seed)
	if because := x.Because.In("en"); because != "" {
		text += "because " + because + "\n"
	}
	for _, l := range r.Losses {
		text += fmt.Sprintf("%d lost: %s (%s%s), for example %s\n", l.Count, l.Cause, l.Class, prefixed(" by ", l.By), strings.Join(l.Examples, " "))
	}
	return text
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
