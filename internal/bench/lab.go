package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/gopacket/gopacket/pcapgo"
)

// lab is the hospital of network namespaces that bench.sh has built; without a script there is none.
type lab struct{ script, prefix string }

var errNoLab = errors.New("there is no lab here (it needs root and lab.sh, see KENSHIN_LAB)")

// inSensor runs a command in the sensor's network.
func (b *bench) inSensor(args ...string) (string, time.Duration, error) {
	return b.run(append([]string{"ip", "netns", "exec", b.lab.prefix + "-sensor"}, args...)...)
}

type truth struct {
	Devices []struct {
		Name    string   `json:"name"`
		Type    string   `json:"type"`
		MAC     string   `json:"mac"`
		IPv4    []string `json:"ipv4"`
		Plugged bool     `json:"plugged"`
	} `json:"devices"`
}

type report struct {
	Devices []struct {
		MACs []string `json:"macs"`
		IPv4 []string `json:"ipv4"`
	} `json:"devices"`
	Frames int64 `json:"frames_sent"`
}

const labRanges = "10.77.0.0/22,10.77.8.0/24"

// checkup is the whole pass over the lab's hospital, beside what arp-scan and nmap find there.
func (b *bench) checkup() error {
	if b.lab.script == "" {
		return errNoLab
	}
	out := filepath.Join(b.dir, "checkup.json")
	_, took, err := b.inSensor(b.bin, "checkup", "--range", labRanges, "--snmp", "public", "--pace", "normal", "--format", "json", "--out", out)
	var code *exec.ExitError
	if err != nil && !(errors.As(err, &code) && code.ExitCode() == 3) { // 3: done, and some part was left out, said why
		return err
	}
	var rep report
	if err := readJSON(out, &rep); err != nil {
		return err
	}
	text, _, err := b.run("bash", b.lab.script, "truth")
	if err != nil {
		return err
	}
	var real truth
	if err := json.Unmarshal([]byte(text), &real); err != nil {
		return err
	}
	found, want := inReport(real, rep)
	b.say(line{"check-up of the lab hospital: time", seconds(took), "60 s", "", ""})
	b.say(line{"check-up of the lab hospital: devices found", fmt.Sprintf("%d of %d, %d frames", found, want, rep.Frames), "26 of 26", "", ""})
	b.score(out, text)
	return b.labPeers(took)
}

func inReport(real truth, rep report) (found, want int) {
	macs := map[string]bool{}
	for _, d := range rep.Devices {
		for _, m := range d.MACs {
			macs[strings.ToLower(m)] = true
		}
	}
	for _, d := range real.Devices {
		if !d.Plugged || d.MAC == "" || d.Type == "sensor" {
			continue
		}
		if want++; macs[strings.ToLower(d.MAC)] {
			found++
		}
	}
	return found, want
}

// score prints what the lab's own judge says.
func (b *bench) score(reportFile, truthText string) {
	judge := filepath.Join(filepath.Dir(b.lab.script), "score.py")
	if _, err := os.Stat(judge); err != nil {
		return
	}
	truthFile := filepath.Join(b.dir, "truth.json")
	if err := os.WriteFile(truthFile, []byte(truthText), 0o600); err != nil {
		return
	}
	if said, _, err := b.run("python3", judge, reportFile, truthFile); err == nil {
		b.say(line{"check-up of the lab hospital: score.py", strings.Join(strings.Fields(said), " "), "kind 18 of 26", "", ""})
	}
}

func (b *bench) labPeers(ours time.Duration) error {
	out, arp, err := b.inSensor("arp-scan", "-I", "eth0", "-q", "-x", "10.77.0.0/22")
	if err != nil {
		return err
	}
	b.say(line{"  beside: arp-scan 10.77.0.0/22 (who is there, nothing more)", fmt.Sprintf("%s, %d hosts", seconds(arp), hosts(out)), "", "", "check-up takes " + ratio(ours, arp)})
	out, ping, err := b.inSensor("nmap", "-sn", "-n", "10.77.0.0/22", "10.77.8.0/24")
	if err != nil {
		return err
	}
	b.say(line{"  beside: nmap -sn -n of both networks", fmt.Sprintf("%s, %d hosts", seconds(ping), strings.Count(out, "Host is up")), "", "", "check-up takes " + ratio(ours, ping)})
	if !b.peers {
		return nil
	}
	up := regexp.MustCompile(`report for (\S+)`).FindAllStringSubmatch(out, -1)
	args := []string{"nmap", "-sV", "-O", "-n", "-p", "21,22,23,80,104,135,139,443,445,554,631,1883,2575,9100,11112"}
	for _, m := range up {
		args = append(args, m[1])
	}
	_, deep, err := b.inSensor(args...)
	if err != nil {
		return err
	}
	b.say(line{fmt.Sprintf("  beside: nmap -sV -O, %d hosts x 15 ports", len(up)), seconds(deep), "", "", "check-up is " + times(ours, deep)})
	return nil
}

// hosts counts addresses of arp-scan, each once.
func hosts(out string) int {
	seen := map[string]bool{}
	for l := range strings.Lines(out) {
		if a, err := netip.ParseAddr(strings.Fields(l + " x")[0]); err == nil {
			seen[a.String()] = true
		}
	}
	return len(seen)
}

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.1f x its time", a.Seconds()/b.Seconds()) }

// presence asks 4,096 addresses of which many, few or nearly none answer.
func (b *bench) presence() error {
	if b.lab.script == "" {
		return errNoLab
	}
	const network = "10.78.0.0/20"
	for _, n := range []string{"4000", "100", "1"} {
		if _, _, err := b.run("bash", "-c", "exec bash \"$0\" many "+n+" >/dev/null 2>&1", b.lab.script); err != nil {
			return err
		}
		out := filepath.Join(b.dir, "presence.json")
		_, ours, err := b.inSensor(b.bin, "checkup", "--range", network, "--only", "presence", "--pace", "fast", "--format", "json", "--out", out)
		if err != nil {
			return err
		}
		var rep report
		if err := readJSON(out, &rep); err != nil {
			return err
		}
		b.say(line{"presence of 4,096 addresses, " + n + " answer", fmt.Sprintf("%s, %d found", seconds(ours), rep.in(netip.MustParsePrefix(network))), "5 s", "", ""})
		text, arp, err := b.inSensor("arp-scan", "-I", "eth0", "-q", "-x", network)
		if err != nil {
			return err
		}
		b.say(line{"  beside: arp-scan", fmt.Sprintf("%s, %d hosts", seconds(arp), hosts(text)), "", "", "Kenshin is " + times(ours, arp)})
		if n == "1" && !b.peers { // an empty network takes nmap minutes
			continue
		}
		text, ping, err := b.inSensor("nmap", "-sn", "-n", network)
		if err != nil {
			return err
		}
		b.say(line{"  beside: nmap -sn -n", fmt.Sprintf("%s, %d hosts", seconds(ping), strings.Count(text, "Host is up")), "", "", "Kenshin is " + times(ours, ping)})
	}
	_, _, err := b.run("bash", "-c", "exec bash \"$0\" many 0 >/dev/null 2>&1", b.lab.script)
	return err
}

// in counts the devices with an address in a network; the sensor itself is among the report's devices and mostly not in it.
func (r report) in(p netip.Prefix) (n int) {
	for _, d := range r.Devices {
		for _, s := range d.IPv4 {
			if a, err := netip.ParseAddr(s); err == nil && p.Contains(a) {
				n++
				break
			}
		}
	}
	return n
}

// wire counts frames on the sensor's cable in any second, at each pace.
func (b *bench) wire() error {
	if b.lab.script == "" {
		return errNoLab
	}
	for _, p := range []struct{ pace, network, limit string }{{"gentle", "10.77.0.0/25", "under 50"}, {"normal", "10.77.0.0/22", "under 1,000"}, {"fast", "10.77.0.0/22", "under 5,000"}} {
		file := filepath.Join(b.dir, p.pace+".pcap")
		stop, err := b.capture(file)
		if err != nil {
			return err
		}
		_, _, err = b.inSensor(b.bin, "checkup", "--range", p.network, "--snmp", "public", "--only", "presence", "--pace", p.pace, "--format", "json", "--out",
			filepath.Join(b.dir, "wire.json"))
		if serr := stop(); err == nil {
			err = serr
		}
		if err != nil {
			return err
		}
		most, all, err := perSecond(file)
		if err != nil {
			return err
		}
		b.say(line{"frames on the wire in any second, pace " + p.pace, fmt.Sprintf("%d (%d in all)", most, all), p.limit, "", ""})
	}
	return nil
}

// capture records what the sensor sends until the function that it returns is called.
func (b *bench) capture(file string) (stop func() error, err error) {
	cmd := exec.CommandContext(b.ctx, "ip", "netns", "exec", b.lab.prefix+"-sensor", "tcpdump", "-n", "-i", "eth0", "-Q", "out", "-s", "64", "-B", "16384", "-U", "-Z", "root",
		"--immediate-mode", "-w", file, "arp or ip or icmp6")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said := make([]byte, 256) // "listening on eth0": from here on it records
	if _, err := stderr.Read(said); err != nil {
		_ = cmd.Process.Kill()
		return nil, errors.Join(err, cmd.Wait())
	}
	return func() error {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_, _ = io.Copy(io.Discard, stderr)
		return cmd.Wait()
	}, nil
}

// perSecond returns the largest number of frames in any second, sliding.
func perSecond(file string) (most, all int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		return 0, 0, err
	}
	var at []time.Time
	from := 0
	for {
		frame, info, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return most, len(at), nil
		}
		if err != nil {
			return 0, 0, err
		}
		if ofTheKernel(frame) {
			continue
		}
		at = append(at, info.Timestamp)
		for at[len(at)-1].Sub(at[from]) >= time.Second {
			from++
		}
		most = max(most, len(at)-from)
	}
}

// ofTheKernel reports what the sensor's system says by itself: router solicitations and group reports, and answers to its neighbours' questions (ARP, and
// neighbour advertisements, ICMPv6 type 136).
func ofTheKernel(f []byte) bool {
	arp := len(f) > 21 && f[12] == 8 && f[13] == 6
	if len(f) > 54 && f[12] == 0x86 && f[13] == 0xdd && f[20] == 58 && f[54] == 136 {
		return true
	}
	return len(f) > 21 && (f[0] == 0x33 && f[12] == 0x86 || arp && f[21] == 2)
}

func readJSON(file string, to any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}
