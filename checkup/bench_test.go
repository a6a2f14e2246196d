package checkup_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"kenshin/checkup"
	"kenshin/netid"
	"kenshin/observation"
)

// sweepOf is what one sweep shows of n devices as a hospital has them: mostly Windows PCs, some printers, phones and switches.
func sweepOf(n int, at time.Time) (all []observation.Observation) {
	for i := range n {
		mac := netid.MAC{0x00, 0x30, 0x13, byte(i >> 16), byte(i >> 8), byte(i)}
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		see := func(s observation.Signal, port uint16, value string, detail ...string) {
			d := map[string]string{}
			for k := 0; k+1 < len(detail); k += 2 {
				d[detail[k]] = detail[k+1]
			}
			all = append(all, observation.Observation{MAC: mac, IP: ip, Segment: "lan", Sensor: "local", Signal: s, Port: port, Value: value, Detail: d, At: at})
		}
		name := fmt.Sprintf("PC-%05d", i)
		see(observation.ARP, 0, ip.String(), "from", "sweep")
		see(observation.ICMPEcho, 0, "reply", "ttl", "128")
		switch i % 8 {
		default:
			for _, p := range []int{135, 139, 445, 3389} {
				see(observation.TCPOpen, uint16(p), strconv.Itoa(p))
			}
			see(observation.DHCPOptions, 0, "1,3,6,15,31,33,43,44,46,47,119,121,249,252")
			see(observation.DHCPVendor, 0, "MSFT 5.0")
			see(observation.DHCPHostname, 0, name)
			see(observation.NBNSName, 137, name, "suffix", "00", "mac", mac.String())
			see(observation.NBNSGroup, 137, "HOSPITAL")
			see(observation.SMBDialect, 445, "3.1.1", "signing", "enabled", "smb1", "refused")
			see(observation.NTLM, 445, name, "dns", name+".hospital.local", "domain", "HOSPITAL", "build", "10.0.19045", "via", "smb")
			see(observation.RDP, 3389, "nla", "nla_required", "true")
			see(observation.WSD, 3702, "wsdp:Device pub:Computer")
		case 5:
			for _, p := range []int{80, 443, 515, 631, 9100} {
				see(observation.TCPOpen, uint16(p), strconv.Itoa(p))
			}
			see(observation.SNMPDescr, 161, "Laser Printer, firmware 2.1")
			see(observation.SNMPObjectID, 161, "1.3.6.1.4.1.1602.4.1")
			see(observation.SNMPName, 161, fmt.Sprintf("printer-%d", i))
			see(observation.SNMPPrinter, 161, "LBP 7200", "serial", fmt.Sprintf("SN%07d", i))
			see(observation.HTTPTitle, 80, "Remote UI", "status", "200", "scheme", "http")
			see(observation.IPP, 631, "LBP 7200", "serial", fmt.Sprintf("SN%07d", i))
			see(observation.MDNSService, 631, "_ipp._tcp", "name", "LBP", "txt.ty", "LBP 7200")
		case 7:
			see(observation.TCPOpen, 22, "22")
			see(observation.SSHBanner, 22, "SSH-2.0-OpenSSH_9.2p1 Debian-2")
			see(observation.HTTPTitle, 80, "案内", "status", "200", "server", "nginx", "scheme", "http")
			see(observation.HTTPServer, 80, "nginx")
			see(observation.TLSCert, 443, name, "version", "TLS 1.2", "not_after", at.AddDate(1, 0, 0).Format(time.RFC3339))
		}
		see(observation.Asked, 0, "complete", "ports", "24")
	}
	return all
}

// BenchmarkReplay takes observations through the whole way: stored, told to the ledger, identified, examined. The first sweep finds all
// devices new; the second shows the same again, as nearly every sweep does.
func BenchmarkReplay(b *testing.B) {
	const devices = 1000
	for _, again := range []bool{false, true} {
		name := map[bool]string{false: "new", true: "again"}[again]
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				b.StopTimer()
				c := build(b)
				at := time.Now().Add(-time.Hour)
				obs := sweepOf(devices, at)
				if again {
					replay(b, c, obs)
					obs = sweepOf(devices, at.Add(time.Hour))
				}
				b.StartTimer()
				replay(b, c, obs)
				n += len(obs)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "observations/s")
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/devices, "ms/device")
		})
	}
}

func replay(b *testing.B, c *checkup.Checkup, obs []observation.Observation) {
	b.Helper()
	i := 0
	err := c.Replay(b.Context(), hospital, func() (o observation.Observation, ok bool, err error) {
		if i == len(obs) {
			return o, false, nil
		}
		i++
		return obs[i-1], true, nil
	}, func(int) {})
	if err != nil {
		b.Fatal(err)
	}
}
