package client

import (
	"errors"

	"github.com/mqsim/mqsim/models/rocketmq/wire"
	"github.com/mqsim/mqsim/sim"
)

// Errors of an admin request.
var (
	ErrConnect = errors.New("RemotingConnectException: connect failed")
	ErrTimeout = errors.New("RemotingTimeoutException: wait response timeout")
)

// Admin is mqadmin on an operator's machine: single requests to brokers and NameServers by address.
type Admin struct {
	cluster *Cluster
	cfg     netConfig
	net     instance
	asks    []func(resp wire.Response, err error)
}

// NewAdmin makes an admin client.
func NewAdmin(c *Cluster) *Admin {
	return &Admin{cluster: c, cfg: netConfig{namesrv: c.Namesrv, poll: 30 * sim.Second, heartbeat: 30 * sim.Second,
		connect: 3 * sim.Second, slowFIN: true}}
}

// Boot starts the library.
func (a *Admin) Boot(p *sim.Proc) { a.net.boot(p, a.cluster, &a.cfg, a, nil) }

// adminTimeout is the time-out of mqadmin's requests (DefaultMQAdminExt.java).
const adminTimeout = 5 * sim.Second

// Ask sends a request to the broker or NameServer on a host; done is called once.
func (a *Admin) Ask(h *sim.Host, req wire.Request, done func(resp wire.Response, err error)) {
	r := a.net.remote(h.Name)
	for _, n := range a.net.namesrv {
		if n.host == h {
			r = n
		}
	}
	a.asks = append(a.asks, done)
	a.net.invoke(r, callAdmin, req, adminTimeout, true, uint32(len(a.asks)-1))
}

func (a *Admin) ended(_ *remote, k call, resp wire.Response, how failure) {
	if k.kind != callAdmin {
		return
	}
	done := a.asks[k.arg]
	a.asks[k.arg] = nil
	switch {
	case how == answered && resp.Result() != wire.Success:
		done(resp, errors.New(resp.Result().String()))
	case how == answered:
		done(resp, nil)
	case how == unreachable:
		done(nil, ErrConnect)
	default:
		done(nil, ErrTimeout)
	}
}

func (a *Admin) routeTaken(int, bool, bool) {}
func (a *Admin) wantsRoute(int) bool        { return false }
func (a *Admin) notified()                  {}
func (a *Admin) connected(*remote)          {}

// Timer runs the library.
func (a *Admin) Timer(kind uint16, _ uint32) { a.net.timer(kind) }

// Accept is never called: clients do not listen.
func (a *Admin) Accept(*sim.Conn) {}

// Connected is the answer to Dial.
func (a *Admin) Connected(c *sim.Conn, err error) { a.net.connectedTo(c, err) }

// Receive takes an answer.
func (a *Admin) Receive(c *sim.Conn, m any) { a.net.receive(c, m) }

// Closed is the end of a connection.
func (a *Admin) Closed(c *sim.Conn, why sim.CloseReason) { a.net.closed(c, why) }

// Synced is never called: clients have no files.
func (a *Admin) Synced(uint32, error) {}

// Stop ends the client.
func (a *Admin) Stop() {
	a.net.close()
	a.net.p.Exit()
}
