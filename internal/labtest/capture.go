package labtest

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"kenshin/netid"
)

// Direction says which frames a Capture keeps, seen from the device.
type Direction string

const (
	In   Direction = "in"
	Out  Direction = "out"
	Both Direction = "inout"
)

// Capture records the frames at a device's interface.
type Capture struct {
	l    *Lab
	cmd  *exec.Cmd
	file string
	errs chan string
}

// Frame is one recorded frame with the kernel's time, cut at 256 bytes.
type Frame struct {
	At   time.Time
	Data []byte
}

// Source and Target are the frame's MAC addresses.
func (f Frame) Source() netid.MAC { return netid.MAC(f.Data[6:12]) }

// Target is the destination MAC.
func (f Frame) Target() netid.MAC { return netid.MAC(f.Data[0:6]) }

// IPv4 returns the destination of an IPv4 frame or the target of an ARP request; invalid for others.
func (f Frame) IPv4() netip.Addr {
	switch {
	case len(f.Data) >= 34 && f.Data[12] == 8 && f.Data[13] == 0:
		return netip.AddrFrom4([4]byte(f.Data[30:34]))
	case len(f.Data) >= 42 && f.Data[12] == 8 && f.Data[13] == 6:
		return netip.AddrFrom4([4]byte(f.Data[38:42]))
	}
	return netip.Addr{}
}

// ARP reports an ARP frame.
func (f Frame) ARP() bool { return len(f.Data) >= 14 && f.Data[12] == 8 && f.Data[13] == 6 }

// KernelARP reports an ARP frame that the system sent to one host by itself: an answer, or its check of a neighbour it knew from before.
// Kenshin's own questions are padded to 60 bytes.
func (f Frame) KernelARP() bool { return f.ARP() && len(f.Data) == 42 && f.Data[0]&1 == 0 }

// Capture starts recording on a device's eth0; it returns when recording has begun. filter is an optional tcpdump expression.
func (l *Lab) Capture(node string, dir Direction, filter ...string) *Capture {
	l.t.Helper()
	if l.idle() {
		return &Capture{l: l}
	}
	if _, err := exec.LookPath("tcpdump"); err != nil {
		l.t.Skip("labtest: tcpdump is missing")
	}
	c := &Capture{l: l, file: filepath.Join(l.Dir, "capture-"+node+"-"+time.Now().Format("150405.000000")+".pcap"), errs: make(chan string, 1)}
	args := []string{"netns", "exec", l.Prefix + "-" + node, "tcpdump", "-n", "-i", "eth0", "-Q", string(dir), "-s", "256", "-B", "16384", "-U",
		"-Z", "root", "--immediate-mode", "-w", c.file}
	c.cmd = exec.Command("ip", append(args, filter...)...) //nolint:gosec // fixed words
	stderr, err := c.cmd.StderrPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		l.t.Fatalf("labtest: capture: %v", err)
	}
	ready := make(chan struct{})
	go func() {
		var all strings.Builder
		s := bufio.NewScanner(stderr)
		for s.Scan() {
			if all.WriteString(s.Text() + "\n"); strings.Contains(s.Text(), "listening on") {
				close(ready)
			}
		}
		c.errs <- all.String()
	}()
	select {
	case <-ready:
	case <-time.After(10 * time.Second):
		_ = c.cmd.Process.Kill()
		l.t.Fatalf("labtest: tcpdump on %s did not start: %s", node, <-c.errs)
	}
	return c
}

// Stop ends recording and returns the frames in order. A frame that the kernel dropped fails the test: counts would be too small.
func (c *Capture) Stop() []Frame {
	c.l.t.Helper()
	if c.cmd == nil {
		return nil
	}
	_ = c.cmd.Process.Signal(os.Interrupt)
	said := <-c.errs
	_ = c.cmd.Wait()
	if !strings.Contains(said, "\n0 packets dropped by kernel") {
		c.l.t.Errorf("labtest: capture lost frames: %s", said)
	}
	f, err := os.Open(c.file)
	if err != nil {
		c.l.t.Fatalf("labtest: capture: %v", err)
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		c.l.t.Fatalf("labtest: capture: %v\n%s", err, said)
	}
	var out []Frame
	for {
		data, info, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return out
		}
		if err != nil {
			c.l.t.Fatalf("labtest: capture: %v", err)
		}
		if len(data) >= 14 {
			out = append(out, Frame{At: info.Timestamp, Data: data})
		}
	}
}

// MaxPerSecond returns the largest number of frames in any second, sliding.
func MaxPerSecond(frames []Frame) int {
	most, from := 0, 0
	for i := range frames {
		for frames[i].At.Sub(frames[from].At) >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// From returns the frames that a MAC sent.
func From(frames []Frame, mac netid.MAC) []Frame {
	var out []Frame
	for _, f := range frames {
		if f.Source() == mac {
			out = append(out, f)
		}
	}
	return out
}
