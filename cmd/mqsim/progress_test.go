package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// A quick command draws nothing; a slow one draws a line and takes it away.
func TestProgress(t *testing.T) {
	var quick bytes.Buffer
	p := startProgress(&quick)
	p.update(1, 2, "primary-crash kafka")
	p.end()
	require.Empty(t, quick.String())

	var slow bytes.Buffer
	p = startProgress(&slow)
	p.started = p.started.Add(-2 * quietFor)
	p.update(2, 3, "primary-crash rocketmq")
	p.update(1, 3, "primary-crash kafka") // came late
	p.end()
	require.Contains(t, slow.String(), "[2/3] primary-crash rocketmq")
	require.NotContains(t, slow.String(), "[1/3]")
	require.Regexp(t, "\r\x1b\\[K$", slow.String())
}
