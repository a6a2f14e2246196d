package observation

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// which names the details that tell two rows of one signal and value apart: a switch has many neighbours of one name, a stack many
// members of one model. For all other signals the value alone is the key, and the newest details win.
func (s Signal) which() []string {
	switch s {
	case SNMPLLDP:
		return []string{"local_port", "chassis", "port"}
	case SNMPEntity:
		return []string{"serial", "class", "index"}
	case SNMPHost:
		return []string{"type", "index"}
	case SNMPIf:
		return []string{"index"}
	case MDNSService:
		return []string{"name"}
	case NBNSName:
		return []string{"suffix"}
	case UPnP:
		return []string{"type"}
	case Neighbor:
		return []string{"router"}
	}
	return nil
}

// key is the row's id: the subject's hash first, so that one host's rows lie together in the database, then the hash of what was said.
func (o *Observation) key() string {
	subject := sha256.Sum256([]byte(o.Subject()))
	said := string(o.Signal) + "\x00" + strconv.Itoa(int(o.Port)) + "\x00" + o.Value
	for _, k := range o.Signal.which() {
		said += "\x00" + o.Detail[k]
	}
	rest := sha256.Sum256([]byte(said))
	return hex.EncodeToString(append(subject[:8:8], rest[:12]...))
}
