package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mqsim/mqsim/lab"
	"github.com/mqsim/mqsim/models"
)

func (a *app) benchCommand() *cobra.Command {
	var o lab.Options
	var output string
	format := choice{value: "table", words: lab.Formats()}
	size, reserve := byteSize(0), byteSize(0)
	c := &cobra.Command{
		Use:   "bench [EXPERIMENT ...]",
		Short: "the storage ideas and the engines, by the wall clock on this machine's disk",
		Long: `Measures, on real files and beside each other in one run, the claims on which brokers
are built, and explains each in two lines: ` + strings.Join(lab.IDs(), ", ") + `.

The files are made in a directory of their own below --dir, which is removed at the end,
also upon Ctrl-C. The run does not begin if it would not leave --reserve free.
These are figures of this machine at this moment, unlike those of run, which come from
the scenario and the seed.`,
		Example: "  mqsim bench -q\n  mqsim bench sync send --dir /data\n  for i in 1 2 3 4 5 6; do mqsim bench -q -f bench; done > new.txt && benchstat old.txt new.txt",
		RunE: func(c *cobra.Command, args []string) error {
			o.Only, o.Size, o.Reserve = args, int64(size), int64(reserve)
			return a.bench(c.Context(), o, format.value, output)
		},
		ValidArgs: lab.IDs(),
		Args:      cobra.OnlyValidArgs,
	}
	f := c.Flags()
	f.BoolVarP(&o.Quick, "quick", "q", false, "smaller files and fewer points: less than 20 s in all")
	f.VarP(&format, "format", "f", "format: "+strings.Join(format.words, ", "))
	f.StringVarP(&output, "output", "o", "", "write to `FILE`; empty or -: standard output")
	f.StringVar(&o.Dir, "dir", "", "make the files in `DIR`, so on its disk (default the system's temporary directory)")
	f.Var(&size, "size", "bytes that one measurement may write or read (default 256MiB, with -q 16MiB)")
	f.Var(&reserve, "reserve", "bytes that stay free on the disk (default a twentieth of it, at least 1GiB)")
	f.DurationVar(&o.Time, "time", 0, "how long one measurement may take (default 1s, with -q 100ms)")
	mustComplete(c, "format", format.words)
	return c
}

func (a *app) bench(ctx context.Context, o lab.Options, format, output string) error {
	if o.Time < 0 {
		return usage("--time: %v is negative", o.Time)
	}
	to := sink{file: output}
	if !to.toStdout() {
		if err := writable(output); err != nil {
			return err
		}
	}
	start := time.Now()
	r, err := lab.Run(ctx, o, func(id string) {
		if a.errTerminal {
			fmt.Fprintf(a.streams.err, "%5.1fs  %s\n", time.Since(start).Seconds(), id)
		}
	})
	if errors.Is(err, lab.ErrSpace) || errors.Is(err, lab.ErrInput) {
		return usage("%w", err)
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := lab.Render(&b, r, format, a.lang.value); err != nil {
		return err
	}
	if to.toStdout() {
		_, err = a.out.Write(b.Bytes())
	} else {
		err = store(output, b.Bytes())
	}
	if err != nil {
		return &exitError{codeInvalid, fmt.Errorf("writing %s: %w", to.place(), err)}
	}
	return nil
}

// byteSize is a flag that takes a size as the scenario language writes it.
type byteSize int64

func (b *byteSize) String() string {
	if *b == 0 {
		return ""
	}
	return fmt.Sprintf("%dB", int64(*b))
}

func (b *byteSize) Type() string { return "SIZE" }

func (b *byteSize) Set(s string) error {
	n, err := models.ParseSize(s)
	*b = byteSize(n)
	return err
}
