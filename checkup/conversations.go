package checkup

import (
	"context"
	"net/netip"
	"time"

	"kenshin/discover/arp"
	"kenshin/discover/banner"
	"kenshin/discover/database"
	"kenshin/discover/dicom"
	"kenshin/discover/ipp"
	"kenshin/discover/listen"
	"kenshin/discover/mdns"
	"kenshin/discover/nbns"
	"kenshin/discover/ndp"
	"kenshin/discover/rdp"
	"kenshin/discover/rtsp"
	"kenshin/discover/services"
	"kenshin/discover/smb"
	"kenshin/discover/ssdp"
	"kenshin/discover/ssh"
	"kenshin/discover/tlscert"
	"kenshin/discover/web"
	"kenshin/discover/wsd"
	"kenshin/gate"
	"kenshin/observation"
)

// ears are the decoders of what is heard without asking.
func ears() listen.Options {
	return listen.Options{
		Frame: []func([]byte, time.Time) []observation.Observation{arp.Heard, ndp.Heard},
		UDP:   map[uint16]func(netip.Addr, []byte) []observation.Observation{mdns.Port: mdns.Heard, nbns.Port: nbns.Heard, ssdp.Port: ssdp.Heard, wsd.Port: wsd.Heard},
	}
}

// probe is one polite exchange over TCP.
type probe func(ctx context.Context, h *gate.Host, port uint16) ([]observation.Observation, error)

// conversations ties the list of ports, which is plain data, to the packages that hold the conversations.
func conversations() map[services.Conversation]probe {
	return map[services.Conversation]probe{
		services.Open: banner.Open, services.DICOM: dicom.Probe, services.Web: web.Probe, services.WebTLS: web.ProbeTLS,
		services.TLSCert: tlscert.Probe, services.SSH: ssh.Probe, services.SMB: smb.Probe, services.RDP: rdp.Probe, services.IPP: ipp.Probe,
		services.FTP: banner.FTP, services.Telnet: banner.Telnet, services.SMTP: banner.SMTP, services.POP3: banner.POP3,
		services.VNC: banner.VNC, services.RTSP: rtsp.Probe, services.MySQL: database.MySQL, services.Postgres: database.Postgres,
		services.Redis: database.Redis, services.MSSQL: database.MSSQL,
	}
}
