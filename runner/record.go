package runner

import (
	"bufio"
	"fmt"
	"io"
)

// record writes what --trace and --history ask for, in order of the runs.
func record(opt Options, done []*judged) error {
	for _, d := range done {
		if opt.Trace != nil {
			if err := writeTrace(opt.Trace, d); err != nil {
				return err
			}
		}
		if opt.History != nil {
			if err := writeHistory(opt.History, d); err != nil {
				return err
			}
		}
		d.first = nil
	}
	return nil
}

// writeTrace writes a run's domain events, one a line, and the biographies of lost messages.
func writeTrace(w io.Writer, d *judged) error {
	x := d.first
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# %s %s seed %d: %d events, trace hash %s\n", x.sc.Name, x.sys.Name, x.seed, x.w.K.Events(), x.hash())
	for _, e := range x.w.Trace.Events {
		host := "-"
		if e.Host != nil {
			host = e.Host.Name
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", x.seconds(e.At), host, e.Kind, e.Part, e.Text)
	}
	for _, f := range d.findings {
		fmt.Fprintf(out, "# lost %s: %s\n", f.ID, f.Cause)
		for _, n := range f.Biography {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", x.seconds(n.At), n.Host, n.What, n.Detail)
		}
	}
	return out.Flush()
}
