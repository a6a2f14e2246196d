// Package services is the fixed list of TCP ports that a check-up looks at, in order, and what is said on each. It is plain data:
// who runs a sweep calls the conversation that a port names.
package services

import (
	"slices"

	"kenshin/gate"
	"kenshin/i18n"
)

// Conversation names a Probe of a package of discover.
type Conversation string

const (
	Open     Conversation = "open"     // banner.Open: connect and close
	DICOM    Conversation = "dicom"    // dicom.Probe
	Web      Conversation = "web"      // web.Probe
	WebTLS   Conversation = "web-tls"  // web.ProbeTLS
	TLSCert  Conversation = "tlscert"  // tlscert.Probe
	SSH      Conversation = "ssh"      // ssh.Probe
	SMB      Conversation = "smb"      // smb.Probe
	RDP      Conversation = "rdp"      // rdp.Probe
	IPP      Conversation = "ipp"      // ipp.Probe
	FTP      Conversation = "ftp"      // banner.FTP
	Telnet   Conversation = "telnet"   // banner.Telnet
	SMTP     Conversation = "smtp"     // banner.SMTP
	POP3     Conversation = "pop3"     // banner.POP3
	VNC      Conversation = "vnc"      // banner.VNC
	RTSP     Conversation = "rtsp"     // rtsp.Probe
	MySQL    Conversation = "mysql"    // database.MySQL
	Postgres Conversation = "postgres" // database.Postgres
	Redis    Conversation = "redis"    // database.Redis
	MSSQL    Conversation = "mssql"    // database.MSSQL
)

// Frame is the kind of frame by which a conversation opens its connection.
func (c Conversation) Frame() gate.Frame {
	switch c {
	case DICOM:
		return gate.DICOMAssociation
	case Web, WebTLS:
		return gate.HTTPGet
	case TLSCert:
		return gate.TLSHello
	case SSH:
		return gate.SSHHello
	case SMB:
		return gate.SMBNegotiate
	case RDP:
		return gate.RDPNegotiate
	case IPP:
		return gate.IPPAttributes
	case FTP, Telnet, SMTP, POP3, VNC:
		return gate.BannerWait
	case RTSP:
		return gate.RTSPOptions
	case MySQL, Postgres, Redis, MSSQL:
		return gate.DatabaseHello
	}
	return gate.TCPConnect
}

// Port is one port of the list.
type Port struct {
	Number   uint16
	Name     string         // as in the IANA registry, or as the field calls it
	Talk     []Conversation // in order, each on a connection of its own; the first also shows whether the port is open
	Unlocked []Conversation // where a person unlocked the device: instead of Talk
	Medical  i18n.Text      // not empty: an open port alone shows a medical device; the gate is told, and probing of the host ends
	Unless   uint16         // not 0: only where this port was closed, because it says the same
}

// Frame is the kind of frame of the first connection.
func (p Port) Frame() gate.Frame { return p.Talk[0].Frame() }

// Never are ports that nobody connects to: 9100 prints whatever arrives, 2575 carries HL7 orders and results.
func Never() []uint16 { return []uint16{2575, 9100} }

// Ports returns the list. The ports that show a medical device come first, so that such a device is known before anything is said to it.
func Ports() []Port { return slices.Clone(ports) }

var imaging = i18n.Text{Ja: "DICOM(医用画像の通信)のポートが開いている", En: "A DICOM (medical imaging) port is open"}

var ports = []Port{
	{Number: 104, Name: "dicom", Talk: []Conversation{Open}, Unlocked: []Conversation{DICOM}, Medical: imaging},
	{Number: 11112, Name: "dicom", Talk: []Conversation{Open}, Unlocked: []Conversation{DICOM}, Medical: imaging},
	{Number: 2762, Name: "dicom-tls", Talk: []Conversation{Open}, Medical: imaging},
	{Number: 445, Name: "microsoft-ds", Talk: []Conversation{SMB}},
	{Number: 139, Name: "netbios-ssn", Talk: []Conversation{SMB}, Unless: 445},
	{Number: 80, Name: "http", Talk: []Conversation{Web}},
	{Number: 443, Name: "https", Talk: []Conversation{TLSCert, WebTLS}},
	{Number: 22, Name: "ssh", Talk: []Conversation{SSH}},
	{Number: 23, Name: "telnet", Talk: []Conversation{Telnet}},
	{Number: 21, Name: "ftp", Talk: []Conversation{FTP}},
	{Number: 3389, Name: "ms-wbt-server", Talk: []Conversation{RDP}},
	{Number: 631, Name: "ipp", Talk: []Conversation{IPP}},
	{Number: 515, Name: "printer", Talk: []Conversation{Open}},
	{Number: 554, Name: "rtsp", Talk: []Conversation{RTSP}},
	{Number: 135, Name: "msrpc", Talk: []Conversation{Open}},
	{Number: 5357, Name: "wsdapi", Talk: []Conversation{Web}},
	{Number: 5985, Name: "winrm", Talk: []Conversation{Web}},
	{Number: 5900, Name: "vnc", Talk: []Conversation{VNC}},
	{Number: 548, Name: "afp", Talk: []Conversation{Open}},
	{Number: 2049, Name: "nfs", Talk: []Conversation{Open}},
	{Number: 62078, Name: "iphone-sync", Talk: []Conversation{Open}},
	{Number: 25, Name: "smtp", Talk: []Conversation{SMTP}},
	{Number: 110, Name: "pop3", Talk: []Conversation{POP3}},
	{Number: 53, Name: "domain", Talk: []Conversation{Open}},
	{Number: 8080, Name: "http-alt", Talk: []Conversation{Web}},
	{Number: 8000, Name: "http-alt", Talk: []Conversation{Web}},
	{Number: 8008, Name: "http-alt", Talk: []Conversation{Web}},
	{Number: 8443, Name: "https-alt", Talk: []Conversation{TLSCert, WebTLS}},
	{Number: 5000, Name: "http-nas", Talk: []Conversation{Web}},
	{Number: 5001, Name: "https-nas", Talk: []Conversation{TLSCert, WebTLS}},
	{Number: 9090, Name: "http-admin", Talk: []Conversation{Web}},
	{Number: 10000, Name: "webmin", Talk: []Conversation{Web}},
	{Number: 5060, Name: "sip", Talk: []Conversation{Open}},
	{Number: 1433, Name: "ms-sql-s", Talk: []Conversation{MSSQL}},
	{Number: 1521, Name: "oracle", Talk: []Conversation{Open}},
	{Number: 3306, Name: "mysql", Talk: []Conversation{MySQL}},
	{Number: 5432, Name: "postgresql", Talk: []Conversation{Postgres}},
	{Number: 6379, Name: "redis", Talk: []Conversation{Redis}},
	{Number: 1883, Name: "mqtt", Talk: []Conversation{Open}},
	{Number: 8883, Name: "secure-mqtt", Talk: []Conversation{TLSCert}},
}
