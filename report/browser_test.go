package report

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/mqsim/mqsim/result"
)

// browser starts a headless Chromium; without one the test is skipped.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine: the page is not tried in a browser")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-quic", true))
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// The page renders, asks the network for nothing, writes nothing to the console, fits a phone, and its
// switches work.
func TestHTMLInABrowser(t *testing.T) {
	ctx := browser(t)
	file := filepath.Join(t.TempDir(), "report.html")
	f := crash()
	for _, r := range f.Results {
		r.Events = []result.Event{{T: result.Int(10), Host: "broker-1", Kind: "process-died", Text: "killed"}, {T: result.Int(41), Host: "broker-1", Kind: "process-ready"}}
	}
	require.NoError(t, os.WriteFile(file, render(t, "html", f, Options{}), 0o600))
	var requests, complaints []string
	require.NoError(t, chromedp.Listen(ctx, func(e any) {
		switch e := e.(type) {
		case *network.EventRequestWillBeSent:
			if url := e.Request.URL; url != "file://"+file && url != "data:," {
				requests = append(requests, url)
			}
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			complaints = append(complaints, string(e.Type))
		case *log.EventEntryAdded:
			complaints = append(complaints, e.Entry.Text)
		}
	}))
	get := func(js string) (value string) {
		value, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+js+")"))
		require.NoError(t, err, js)
		return value
	}
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate("file://"+file)))
	require.Equal(t, "6", get(`document.querySelectorAll('.timeline .sys').length`))
	require.Equal(t, "true", get(`document.querySelector('.chart svg').getBoundingClientRect().width > 300`))

	// The theme.
	light := get(`getComputedStyle(document.body).backgroundColor`)
	get(`document.querySelector("#theme").click()`)
	require.NotEqual(t, light, get(`getComputedStyle(document.body).backgroundColor`))

	// The log: a click moves the cursor over all lanes, a second takes it away; the filter hides.
	get(`document.querySelector(".log tr[data-t]").click()`)
	require.Equal(t, "6", get(`[...document.querySelectorAll('.cursor')].filter(c=>c.style.display==='block').length`))
	get(`document.querySelector(".log tr.on").click()`)
	require.Equal(t, "0", get(`[...document.querySelectorAll('.cursor')].filter(c=>c.style.display==='block').length`))
	all := get(`document.querySelectorAll('.log tr:not([hidden])').length`)
	get(`(f => { f.value = "no such event"; f.dispatchEvent(new Event("input")) })(document.querySelector(".f-word"))`)
	require.Equal(t, "0", get(`document.querySelectorAll('.log tr:not([hidden])').length`))
	require.NotEqual(t, "0", all)

	// A phone: nothing scrolls sideways.
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(390, 844), chromedp.Reload()))
	require.Equal(t, "true", get(`document.documentElement.scrollWidth <= 390`), get(`document.documentElement.scrollWidth`))

	// Without script everything can be read; the switches that need it are not there.
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.Reload()))
	text, err := chromedp.Run(ctx, chromedp.FullScreenshot(50))
	require.NoError(t, err)
	require.NotEmpty(t, text)

	require.Empty(t, requests)
	require.Empty(t, complaints)
}
