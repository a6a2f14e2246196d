package gate

import (
	"net/netip"

	"kenshin/i18n"
)

// Frame is a kind of frame that Kenshin sends. There are no others: the page that lists what was sent is printed from Frames.
type Frame string

const (
	ARPRequest       Frame = "arp"
	NeighborSolicit  Frame = "ndp"
	EchoRequest      Frame = "icmp"
	EchoAllNodes     Frame = "icmp6-all"
	MDNSQuery        Frame = "mdns"
	NBNSQuery        Frame = "nbns"
	SSDPSearch       Frame = "ssdp"
	WSDProbe         Frame = "wsd"
	SNMPGet          Frame = "snmp"
	TCPConnect       Frame = "tcp"
	HTTPGet          Frame = "http"
	TLSHello         Frame = "tls"
	SSHHello         Frame = "ssh"
	SMBNegotiate     Frame = "smb"
	RDPNegotiate     Frame = "rdp"
	IPPAttributes    Frame = "ipp"
	BannerWait       Frame = "banner"
	DatabaseHello    Frame = "db"
	RTSPOptions      Frame = "rtsp"
	DICOMAssociation Frame = "dicom"
)

// Description is what a person reads about a kind of frame.
type Description struct {
	Frame Frame
	Name  i18n.Text
	What  i18n.Text // what is sent, in plain words
}

// Frames lists every kind, in the order in which a sweep uses them.
func Frames() []Description {
	return []Description{
		{ARPRequest, i18n.Text{Ja: "ARPの問い合わせ", En: "ARP request"},
			i18n.Text{Ja: "「このIPの人はいますか」と区画の全員に聞く。どの機器も毎日ふつうに受け取っているもの", En: "Asks the link who has an address; every device receives these all day"}},
		{NeighborSolicit, i18n.Text{Ja: "IPv6の近隣の問い合わせ", En: "Neighbour solicitation"},
			i18n.Text{Ja: "ARPと同じことをIPv6で聞く", En: "The same question in IPv6"}},
		{EchoRequest, i18n.Text{Ja: "ping 1回", En: "One ping"},
			i18n.Text{Ja: "ルータの向こうの機器に「いますか」と1回だけ聞く", En: "Asks a device behind a router once whether it is there"}},
		{EchoAllNodes, i18n.Text{Ja: "IPv6の全員へのping", En: "IPv6 ping to all nodes"},
			i18n.Text{Ja: "区画のIPv6の機器全員に1回だけ聞く。「医療機器がいる」とした区画では送らない", En: "Asks all IPv6 devices of the link once; not in a segment that was marked as medical"}},
		{MDNSQuery, i18n.Text{Ja: "mDNSの問い合わせ", En: "mDNS query"},
			i18n.Text{Ja: "プリンタやMacが名のるための共通の問い合わせ", En: "The usual question by which printers and Macs tell their names"}},
		{NBNSQuery, i18n.Text{Ja: "NetBIOS名の問い合わせ", En: "NetBIOS node status"},
			i18n.Text{Ja: "Windowsのコンピュータ名を聞く", En: "Asks a Windows computer for its name"}},
		{SSDPSearch, i18n.Text{Ja: "SSDPの問い合わせ", En: "SSDP search"},
			i18n.Text{Ja: "カメラやNASが型番を答える共通の問い合わせ", En: "The usual question by which cameras and NAS tell their model"}},
		{WSDProbe, i18n.Text{Ja: "WS-Discoveryの問い合わせ", En: "WS-Discovery probe"},
			i18n.Text{Ja: "Windowsや複合機が名のるための共通の問い合わせ", En: "The usual question by which Windows and copiers tell their names"}},
		{SNMPGet, i18n.Text{Ja: "SNMPの読み取り", En: "SNMP read"},
			i18n.Text{Ja: "人が渡した合言葉で、型番・製造番号などを読む。書き込みはしない", En: "Reads model, serial and tables with the credential that a person gave; never writes"}},
		{TCPConnect, i18n.Text{Ja: "TCPの接続", En: "TCP connect"},
			i18n.Text{Ja: "決まった口に1つずつ、正しい手順でつないで閉じる", En: "Connects to one port of a fixed list in the regular way, and closes"}},
		{HTTPGet, i18n.Text{Ja: "Webページの先頭1枚", En: "HTTP GET"},
			i18n.Text{Ja: "機器の案内ページの題名を見る", En: "Reads the title of the device's start page"}},
		{TLSHello, i18n.Text{Ja: "TLSのあいさつ", En: "TLS hello"},
			i18n.Text{Ja: "証明書の名前と期限を見る", En: "Reads the certificate's name and expiry"}},
		{SSHHello, i18n.Text{Ja: "SSHのあいさつ", En: "SSH greeting"},
			i18n.Text{Ja: "ソフトの名前と版を聞く。ログインはしない", En: "Hears the software's name and version; no login"}},
		{SMBNegotiate, i18n.Text{Ja: "ファイル共有のあいさつ", En: "SMB negotiate"},
			i18n.Text{Ja: "古い方式(SMB1)を受け付けるかと、Windowsの版を聞く。ログインはしない", En: "Asks which dialects are spoken and the Windows build; no login"}},
		{RDPNegotiate, i18n.Text{Ja: "リモートデスクトップのあいさつ", En: "RDP negotiate"},
			i18n.Text{Ja: "守りの方式とコンピュータ名を聞く。ログインはしない", En: "Asks for the security protocol and the computer's name; no login"}},
		{IPPAttributes, i18n.Text{Ja: "プリンタの属性", En: "IPP attributes"},
			i18n.Text{Ja: "型番と状態を読む。印刷はしない", En: "Reads model and state; prints nothing"}},
		{BannerWait, i18n.Text{Ja: "あいさつを待つ", En: "Greeting"},
			i18n.Text{Ja: "FTPやTelnetにつなぎ、相手のあいさつを読むだけ", En: "Connects to FTP or Telnet and only reads the greeting"}},
		{DatabaseHello, i18n.Text{Ja: "データベースのあいさつ", En: "Database greeting"},
			i18n.Text{Ja: "種類と版、パスワードなしで開いているかを見る。データは読まない", En: "Sees kind, version and whether it is open without a password; reads no data"}},
		{RTSPOptions, i18n.Text{Ja: "カメラのあいさつ", En: "RTSP OPTIONS"},
			i18n.Text{Ja: "カメラのソフト名を聞く。映像は見ない", En: "Asks a camera for its software's name; watches nothing"}},
		{DICOMAssociation, i18n.Text{Ja: "DICOMの接続確認", En: "DICOM association"},
			i18n.Text{Ja: "許可された画像装置に、あいさつだけして切る", En: "Greets an unlocked imaging device and releases at once"}},
	}
}

// PerHost reports whether the frame always goes to one host; the others may go once to the whole link.
func (f Frame) PerHost() bool {
	switch f {
	case EchoAllNodes, MDNSQuery, SSDPSearch, WSDProbe:
		return false
	}
	return true
}

// asksOne reports whether a frame to this address is heard by one host: a discovery question may also be put to a single host (RFC 6762, 5.5;
// UPnP 1.1, 1.3.2), and is then judged by that host and not by everybody on its link.
func (f Frame) asksOne(to netip.Addr) bool {
	return f.PerHost() || to.IsValid() && !to.IsMulticast()
}

// Presence reports the frames that even a protected device gets: a neighbour's question on the link, one echo behind a router.
func (f Frame) Presence(routed bool) bool {
	if routed {
		return f == EchoRequest
	}
	return f == ARPRequest || f == NeighborSolicit
}

// overTCP reports the frames of a conversation over TCP.
func (f Frame) overTCP() bool {
	switch f {
	case ARPRequest, NeighborSolicit, EchoRequest, EchoAllNodes, MDNSQuery, NBNSQuery, SSDPSearch, WSDProbe, SNMPGet:
		return false
	}
	return true
}
