// Command mqsim runs the storage and replication engines of three message queues in one simulated
// world, breaks it on a schedule, and reports what that did to availability and to acknowledged
// messages. This package parses arguments and prints; everything else is below it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/mqsim/mqsim/runner"
)

func main() {
	// A run keeps nearly everything that it allocates until its end, so collecting often finds little.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(run(realEngine{}, os.Args[1:], processIO()))
}

// Exit codes. Before anything runs only codeUsage and codeNothing are possible; afterwards an INVALID
// run outranks a failed expectation, because it says nothing about expectations.
const (
	codeOK          = 0
	codeFail        = 1 // an expectation failed or a violation was found
	codeUsage       = 2 // the command line or a scenario is wrong
	codeInvalid     = 3 // a run is INVALID, or an internal error
	codeNothing     = 4 // nothing was selected
	codeInterrupted = 130
)

// exitError ends the program with a code; without an error nothing more is printed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage makes an error of the command line or of a scenario.
func usage(format string, args ...any) error {
	return &exitError{codeUsage, fmt.Errorf(format, args...)}
}

// run is main without the process: it gives the exit code.
func run(e engine, args []string, streams streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends the run in an orderly way, a second one at once.
	context.AfterFunc(ctx, stop)
	root := newRoot(&app{engine: e, streams: streams})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	switch exit, ok := errors.AsType[*exitError](err); {
	case err == nil, ok && exit.err == nil:
	case code == codeInterrupted:
		fmt.Fprintln(streams.err, "mqsim: interrupted")
	default:
		fmt.Fprintln(streams.err, "mqsim: "+err.Error())
	}
	return code
}

// exitCode maps an error of a command to the code of the process.
func exitCode(err error) int {
	if err == nil {
		return codeOK
	}
	if errors.Is(err, context.Canceled) {
		return codeInterrupted
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		return exit.code
	}
	if _, ok := errors.AsType[*runner.InputError](err); ok {
		return codeUsage
	}
	return codeInvalid
}
