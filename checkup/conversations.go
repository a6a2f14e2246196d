package checkup

import (
	"context"

	"kenshin/discover/banner"
	"kenshin/discover/database"
	"kenshin/discover/dicom"
	"kenshin/discover/ipp"
	"kenshin/discover/rdp"
	"kenshin/discover/rtsp"
	"kenshin/discover/services"
	"kenshin/discover/smb"
	"kenshin/discover/ssh"
	"kenshin/discover/tlscert"
	"kenshin/discover/web"
	"kenshin/gate"
	"kenshin/observation"
)

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
