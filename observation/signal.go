package observation

// Signal names how something was learned. Detail keys are in the comment, where there are any.
type Signal string

// Link and network layer.
const (
	ARP      Signal = "arp"       // value: IPv4 address. Detail "from": sweep | heard | kernel (its ARP table)
	NDP      Signal = "ndp"       // value: IPv6 address. Detail "from": sweep | heard; "router": true for an RA
	MLD      Signal = "mld"       // value: multicast group joined
	ICMPEcho Signal = "icmp.echo" // value: "reply". Detail "ttl"
	Neighbor Signal = "snmp.arp"  // value: IPv4/IPv6 address that a router ties to MAC. Detail "router", "ifindex"
)

// The device's own list of its addresses, by card; and ourselves.
const (
	OwnAddress Signal = "snmp.own" // value: IPv4 address of the card with this MAC. Detail "host" (who said so), "ifindex"
	Self       Signal = "self"     // value: "kenshin": this is the sensor's own card
)

// Listening.
const (
	DHCPOptions  Signal = "dhcp.options"  // value: option 55 as "1,3,6,15"
	DHCPVendor   Signal = "dhcp.vendor"   // value: option 60
	DHCPHostname Signal = "dhcp.hostname" // value: option 12 or 81
	DHCPServer   Signal = "dhcp.server"   // value: server identifier of an OFFER or ACK that was heard
	LLDP         Signal = "lldp"          // value: system name. Detail: chassis, port, port_desc, descr, caps ("bridge,wlan"), mgmt, med ("phone"), model, maker, serial, told_by (the switch that said so over SNMP)
	CDP          Signal = "cdp"           // value: device id. Detail: port, platform, version, caps, mgmt
)

// Names and discovery protocols.
const (
	MDNSName    Signal = "mdns.name"    // value: host name with ".local" cut
	MDNSService Signal = "mdns.service" // value: service type "_ipp._tcp". Detail: "name", and TXT keys as "txt.KEY". Port: the service's
	MDNSHinfo   Signal = "mdns.hinfo"   // value: "CPU OS"
	NBNSName    Signal = "nbns.name"    // value: NetBIOS name (suffix 00 or 20). Detail "suffix", "mac" (that it claims)
	NBNSGroup   Signal = "nbns.group"   // value: workgroup or domain
	SSDPServer  Signal = "ssdp.server"  // value: SERVER header. Detail: usn, st, location
	UPnP        Signal = "upnp"         // value: modelName. Detail: type, friendly, maker, model_number, serial
	WSD         Signal = "wsd"          // value: types. Detail: scopes, xaddrs, address
)

// SNMP (values as the agent gave them).
const (
	SNMPDescr    Signal = "snmp.descr"     // sysDescr
	SNMPObjectID Signal = "snmp.object-id" // sysObjectID, without leading dot
	SNMPName     Signal = "snmp.name"      // sysName
	SNMPLocation Signal = "snmp.location"  // sysLocation
	SNMPContact  Signal = "snmp.contact"   // sysContact
	SNMPServices Signal = "snmp.services"  // sysServices
	SNMPEntity   Signal = "snmp.entity"    // value: entPhysicalModelName. Detail: descr, serial, maker, hardware, firmware, software, class
	SNMPPrinter  Signal = "snmp.printer"   // value: prtGeneralPrinterName. Detail: serial
	SNMPHost     Signal = "snmp.hr"        // value: hrDeviceDescr. Detail: type (last arc of hrDeviceType: 3 cpu, 5 printer, ...)
	SNMPIf       Signal = "snmp.if"        // value: ifName. Detail: index, mac, type, descr, oper
	SNMPLLDP     Signal = "snmp.lldp"      // one lldpRemTable row of this switch: value: neighbour's sysName. Detail: local_port, local_port_desc, chassis, chassis_type, port, port_type, port_desc, descr, caps, mgmt
	SNMPBridge   Signal = "snmp.bridge"    // value: dot1dBaseBridgeAddress. Detail: ports
)

// One polite exchange over TCP.
const (
	TCPOpen      Signal = "tcp.open"      // value: port number as text
	HTTPTitle    Signal = "http.title"    // value: page title, may be "". Detail: status, server, location, realm, favicon, generator, password_field ("true"), scheme (http|https)
	HTTPServer   Signal = "http.server"   // value: Server header
	TLSCert      Signal = "tls.cert"      // value: subject CN. Detail: org, issuer, not_after (RFC 3339), names, self_signed, version ("TLS 1.0"), key ("rsa 1024"), sha256, failure (handshake failed: fewer fields)
	SSHBanner    Signal = "ssh.banner"    // value: identification line
	SMBDialect   Signal = "smb.dialect"   // value: "smb1", "2.0.2", "2.1", "3.0", "3.0.2", "3.1.1". Detail: signing (required|enabled|disabled), guid, capabilities, smb1 (accepted|refused: what became of SMB1); for "smb1" also name, domain
	NTLM         Signal = "ntlm"          // value: NetBIOS computer name. Detail: dns, domain (NetBIOS), dns_domain, forest, build ("10.0.19045"), via (smb|rdp)
	SMBNativeOS  Signal = "smb.native-os" // value: SMB1 session setup's native OS, if it was told. Detail: manager ("Samba 4.17")
	RDP          Signal = "rdp"           // value: selected protocol "nla" | "tls" | "rdp". Detail: nla_required (true|false, where known), failure (code)
	IPP          Signal = "ipp"           // value: printer-make-and-model. Detail: name, info, location, serial, state, firmware, uri, uuid, maker, security, auth
	FTPBanner    Signal = "ftp.banner"    // value: greeting. Detail: code ("220")
	SMTPBanner   Signal = "smtp.banner"   // value: greeting. Detail: code
	POP3Banner   Signal = "pop3.banner"   // value: greeting
	VNCBanner    Signal = "vnc.banner"    // value: "RFB 003.008"
	TelnetBanner Signal = "telnet.banner" // value: text before the login prompt, negotiation stripped, may be "". Detail: negotiation ("true")
	Database     Signal = "db.greeting"   // value: "mysql 8.0.36", "postgresql", "redis", "mssql 15.0.2000". Detail: auth (trust|none: open without a password; else password|md5|scram|gss|sspi|required|protected|refused), tls (yes|no|required), error
	RTSP         Signal = "rtsp"          // value: Server header of an OPTIONS answer, may be "". Detail: status, public, realm
	DICOM        Signal = "dicom"         // value: "accepted" | "rejected" | "aborted". Detail: implementation_uid, implementation_version, verification, result, reason
)

// What was tried: "no answer" only means something where something was asked.
const (
	Asked Signal = "asked" // value: "complete" when every question of a sweep's list was put, else "partial". Detail: "ports", "silent" (filtered), "stopped" (why)
)
