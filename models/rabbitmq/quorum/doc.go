// Package quorum is the state machine of a quorum queue (rabbit_fifo.erl of rabbitmq-server): what the
// members of its group compute, each for itself, from the commands in their common log. The machine knows
// no disk, no network and no clock. It answers a command with effects, which only the leader's process
// carries out: deliveries to channels, answers to them.
//
// Numbers in brackets, like [rule 116], are rules of the behaviour specification that the model follows.
package quorum
