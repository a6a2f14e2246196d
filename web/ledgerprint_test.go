package web

import (
	"context"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/netid"
	"kenshin/observation"
)

// The paper holds every device that the filter leaves, not one page of the list, and the trail knows who printed it.
func TestLedgerPrint(t *testing.T) {
	c := openConsole(t)
	const devices = 620 // more than is read at once
	var list []observation.Observation
	for i := range devices {
		mac := netid.MAC{0x02, 0, 0, 0x0b, byte(i >> 8), byte(i)}
		addr := binary.BigEndian.AppendUint32(nil, 10<<24|9<<16|uint32(i>>7)<<8|uint32(i&127)+1)
		ip, _ := netip.AddrFromSlice(addr)
		list = append(list, observation.Observation{Signal: observation.ARP, Value: ip.String(), MAC: mac, IP: ip, Sensor: "local", At: time.Now().Add(-time.Minute)})
	}
	_, err := c.checkup.Ingest(context.Background(), c.f, list)
	c.must(err)
	page := c.get(actor.Auditor, "/devices/print").is(200, "みなと病院", "620台", "以上 620台", "02:00:00:0b:00:00", "02:00:00:0b:02:6b", "<thead>")
	if rows := strings.Count(page.Body.String(), "<tr>"); rows != devices+1 {
		t.Errorf("%d lines for %d devices and the head", rows, devices)
	}
	c.get(actor.Auditor, "/devices/print?q=10.9.1.7&cursor=50").is(200, "「10.9.1.7」を含む", "!02:00:00:0b:00:00")
	c.get(actor.Auditor, "/devices/print?chip=retired").is(200, "以上 0台", "!廃棄した機器を除く")
	c.get(actor.Auditor, "/devices/print?chip=zzz").is(422)
	c.get(actor.Department, "/devices/print").is(403)
	c.get(actor.Auditor, "/devices?department=x&cursor=50").is(200, "/devices/print?department=x\"")
	c.get(actor.Department, "/devices").is(200, "!/devices/print")
	c.trailHas("ledger.export", 3)
}
