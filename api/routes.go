package api

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"kenshin/actor"
)

// route is one line of the table: who may do what where.
type route struct {
	method, path string
	needs        actor.Permission // open: no token
	id, summary  string
	tells        string // what a reader of the documentation must know beside that
	mount        mount
}

// routes is the whole API.
func (s *server) routes() []route {
	return slices.Concat(s.ledgerRoutes(), s.attachmentRoutes(), s.findingRoutes(), s.workRoutes(), s.gateRoutes(), s.drillRoutes(), s.flightRoutes(), s.composeRoutes(), s.resultRoutes(), s.drillReportRoutes(), s.planRoutes(), s.scenarioRoutes(), s.inquiryRoutes(), s.answerRoutes(), s.catalogueRoutes(),
		s.assessRoutes(), s.registerRoutes(), s.dockRoutes(), s.packRoutes(), s.yearlyRoutes(), s.houseRoutes())
}

func (s *server) ledgerRoutes() []route {
	return []route{
		{"GET", "/devices", actor.SeeLedger, "list-devices", "List the devices of the ledger",
			"The filters are those of the console. csv and xlsx give the sheet that an import takes back without loss.", sheeted(s, s.listDevices, s.exportDevices)},
		{"POST", "/devices", actor.EditLedger, "add-device", "Enter a device by hand", "", one(s, s.addDevice)},
		{"GET", "/devices/{id}", actor.SeeLedger, "get-device", "One device with the reasons for what it is",
			"The id of a device that was merged answers what it was merged into.", one(s, s.getDevice)},
		{"PATCH", "/devices/{id}", actor.EditLedger, "edit-device", "Change what people say of a device",
			"Send If-Match or revision, so that nobody's change is overwritten. A word never changes what was measured.", one(s, s.editDevice)},
		{"DELETE", "/devices/{id}", actor.EditLedger, "remove-device", "Take a device out that was never seen",
			"A device that was seen on the network can only be retired.", done(s, s.removeDevice)},
		{"GET", "/devices/{id}/history", actor.SeeLedger, "list-device-history", "What changed on a device, the newest first", "", list(s, s.deviceHistory, historyColumns...)},
		{"GET", "/devices/{id}/observations", actor.SeeLedger, "list-device-observations", "What a device showed", "", list(s, s.deviceObservations, observationColumns...)},
		{"GET", "/devices/{id}/addresses", actor.SeeLedger, "list-device-addresses", "Every address that a device used", "", list(s, s.deviceAddresses)},
		{"POST", "/devices/{id}/merge", actor.EditLedger, "merge-device", "Make another device a part of this one", "", one(s, s.mergeDevice)},
		{"POST", "/devices/{id}/split", actor.EditLedger, "split-device", "Take network cards out into a new device", "Answers the new device.", one(s, s.splitDevice)},
		{"GET", "/merges", actor.SeeLedger, "list-merges", "Merges and splits: proposed, done or taken back", "", list(s, s.listMerges)},
		{"POST", "/merges/{id}/accept", actor.EditLedger, "accept-merge", "Do a proposed merge", "", done(s, s.acceptMerge)},
		{"POST", "/merges/{id}/refuse", actor.EditLedger, "refuse-merge", "Say that the two are different devices", "", done(s, s.refuseMerge)},
		{"POST", "/merges/{id}/undo", actor.EditLedger, "undo-merge", "Take a merge or a split back", "", done(s, s.undoMerge)},
		{"GET", "/observations", actor.SeeLedger, "list-observations", "What was seen on the wire, the last seen first", "", list(s, s.listObservations, observationColumns...)},
		{"GET", "/topology", actor.SeeLedger, "get-topology", "Who is plugged into whom",
			"Only what the ledger knows: links to switches where a switch told them. No topology is computed yet, so the lists may well be empty.", one(s, s.topology)},
		{"GET", "/systems", actor.SeeLedger, "list-systems", "List the medical information systems", "", list(s, s.listSystems, systemColumns...)},
		{"POST", "/systems", actor.EditLedger, "add-system", "Add a system", "", one(s, s.addSystem)},
		{"GET", "/systems/{id}", actor.SeeLedger, "get-system", "One system", "", one(s, s.getSystem)},
		{"PUT", "/systems/{id}", actor.EditLedger, "edit-system", "Write a system anew", "What is missing in the body is emptied.", one(s, s.editSystem)},
		{"DELETE", "/systems/{id}", actor.EditLedger, "remove-system", "Remove a system", "Its devices and its history stay.", done(s, s.removeSystem)},
		{"GET", "/systems/{id}/history", actor.SeeLedger, "list-system-history", "What changed on a system", "", list(s, s.systemHistory, historyColumns...)},
		{"GET", "/suppliers", actor.SeeLedger, "list-suppliers", "List the suppliers", "", list(s, s.listSuppliers, supplierColumns...)},
		{"POST", "/suppliers", actor.EditLedger, "add-supplier", "Add a supplier", "", one(s, s.addSupplier)},
		{"GET", "/suppliers/{id}", actor.SeeLedger, "get-supplier", "One supplier", "", one(s, s.getSupplier)},
		{"PUT", "/suppliers/{id}", actor.EditLedger, "edit-supplier", "Write a supplier anew", "What is missing in the body is emptied.", one(s, s.editSupplier)},
		{"DELETE", "/suppliers/{id}", actor.EditLedger, "remove-supplier", "Remove a supplier", "", done(s, s.removeSupplier)},
		{"GET", "/suppliers/{id}/history", actor.SeeLedger, "list-supplier-history", "What changed on a supplier", "", list(s, s.supplierHistory)},
	}
}

func (s *server) findingRoutes() []route {
	return []route{
		{"GET", "/findings", actor.See, "list-findings", "List what is wrong, the weightiest first", "", list(s, s.listFindings, findingColumns...)},
		{"POST", "/findings/assign", actor.EditLedger, "assign-findings", "Give several findings to one person, or one day", "All or none.", one(s, s.assignFindings)},
		{"GET", "/findings/{id}", actor.See, "get-finding", "One finding with its evidence and history", "", one(s, s.getFinding)},
		{"POST", "/findings/{id}/accept", actor.EditLedger, "accept-finding", "Leave it as it is until a day, for a reason", "", one(s, s.acceptFinding)},
		{"POST", "/findings/{id}/close", actor.EditLedger, "close-finding", "Say that it is fixed", "The next check-up confirms it, or opens it again.", one(s, s.closeFinding)},
		{"POST", "/findings/{id}/reopen", actor.EditLedger, "reopen-finding", "Take back an acceptance or a closing", "", one(s, s.reopenFinding)},
		{"POST", "/findings/{id}/assign", actor.EditLedger, "assign-finding", "Say who does it and by when", "", one(s, s.assignFinding)},
		{"GET", "/events", actor.See, "list-events", "What changed, the newest first", "", list(s, s.listEvents, eventColumns...)},
		{"POST", "/events/seen", actor.EditLedger, "mark-events-seen", "Say that somebody looked at everything until a time", "", done(s, s.markSeen)},
	}
}

func (s *server) gateRoutes() []route {
	return []route{
		{"GET", "/segments", actor.SeeSegments, "list-segments", "List the segments", "", list(s, s.listSegments, segmentColumns...)},
		{"POST", "/segments", actor.EditSegments, "add-segment", "Write a segment down, without approving it", "Nothing is sent before /approve.", one(s, s.addSegment)},
		{"GET", "/segments/proposals", actor.SeeSegments, "list-proposals", "The networks that this machine is on", "", list(s, s.proposals)},
		{"GET", "/segments/{id}", actor.SeeSegments, "get-segment", "One segment", "", one(s, s.getSegment)},
		{"PATCH", "/segments/{id}", actor.EditSegments, "edit-segment", "Change a segment",
			"Another range, interface or way there is another place: its approval is lost. SNMP credentials are write-only.", one(s, s.editSegment)},
		{"DELETE", "/segments/{id}", actor.EditSegments, "remove-segment", "Remove a segment", "What was sent there stays written down.", done(s, s.removeSegment)},
		{"POST", "/segments/{id}/approve", actor.EditSegments, "approve-segment", "Give leave to send into a segment", "", one(s, s.approveSegment)},
		{"POST", "/segments/{id}/withdraw", actor.EditSegments, "withdraw-segment", "Take the leave back", "", one(s, s.withdrawSegment)},
		{"GET", "/unlocks", actor.SeeSegments, "list-unlocks", "List the leaves to probe protected devices", "", list(s, s.listUnlocks, unlockColumns...)},
		{"POST", "/unlocks", actor.EditSegments, "add-unlock", "Let a protected device be probed for a while",
			"Name a device of the ledger, or an address. A device with several cards gets one unlock for each.", one(s, s.addUnlock)},
		{"DELETE", "/unlocks/{id}", actor.EditSegments, "revoke-unlock", "End an unlock at once", "", done(s, s.removeUnlock)},
		{"GET", "/words", actor.SeeSegments, "list-words", "What people said about how devices are treated", "", list(s, s.listWords)},
		{"POST", "/words", actor.EditSegments, "add-word", "Say: never touch, or not a medical device", "", one(s, s.addWord)},
		{"DELETE", "/words/{id}", actor.EditSegments, "remove-word", "Take a word back", "", done(s, s.removeWord)},
		{"GET", "/kill", actor.SeeSegments, "get-kill-switch", "The kill switch", "", one(s, s.getSwitch)},
		{"PUT", "/kill", actor.EditSegments, "set-kill-switch", "Press or release the kill switch", "Pressed, every copy stops sending within about a second.", one(s, s.setSwitch)},
		{"GET", "/frames", actor.SeeSegments, "list-frames", "Every kind of frame that Kenshin sends, with counts", "There are no others.", list(s, s.listFrames, frameColumns...)},
		{"GET", "/frames/sent", actor.SeeSegments, "list-sent-frames", "What was sent to whom, by hour, the newest first", "", list(s, s.listSent, sentColumns...)},
	}
}

func (s *server) workRoutes() []route {
	return []route{
		{"GET", "/sweeps", actor.SeeLedger, "list-sweeps", "List the check-ups, the newest first", "", list(s, s.listSweeps, sweepColumns...)},
		{"POST", "/sweeps", actor.RunSweep, "start-sweep", "Start a check-up of approved segments", "Follow it with GET /sweeps/{id}.", one(s, s.startSweep)},
		{"GET", "/sweeps/{id}", actor.SeeLedger, "get-sweep", "One check-up with its progress and hosts", "", one(s, s.getSweep)},
		{"POST", "/sweeps/{id}/pause", actor.RunSweep, "pause-sweep", "Pause a check-up", "", one(s, s.pauseSweep)},
		{"POST", "/sweeps/{id}/resume", actor.RunSweep, "resume-sweep", "Go on with a paused check-up", "", one(s, s.resumeSweep)},
		{"POST", "/sweeps/{id}/stop", actor.RunSweep, "stop-sweep", "End a check-up for good", "What it found stays.", one(s, s.stopSweep)},
		{"GET", "/jobs", actor.SeeJobs, "list-jobs", "List long-running work, the newest first", "", list(s, s.listJobs, jobColumns...)},
		{"GET", "/jobs/{id}", actor.SeeJobs, "get-job", "One job", "", one(s, s.getJob)},
		{"POST", "/jobs/{id}/cancel", actor.RunSweep, "cancel-job", "End a job", "", one(s, s.moveJob(s.Jobs.Cancel, "job.cancel", "処理を中止しました", "Cancelled a job"))},
		{"POST", "/jobs/{id}/pause", actor.RunSweep, "pause-job", "Pause a job", "", one(s, s.moveJob(s.Jobs.Pause, "job.pause", "処理を一時停止しました", "Paused a job"))},
		{"POST", "/jobs/{id}/resume", actor.RunSweep, "resume-job", "Go on with a paused job", "", one(s, s.moveJob(s.Jobs.Resume, "job.resume", "処理を再開しました", "Resumed a job"))},
		{"POST", "/jobs/{id}/retry", actor.RunSweep, "retry-job", "Do a job that failed or was cancelled once more", "Answers the new job.", one(s, s.retryJob)},
		{"GET", "/imports", actor.Import, "list-imports", "List the last 100 imports, the newest first", "", list(s, s.listImports)},
		{"POST", "/imports", actor.Import, "add-import", "Send the hospital's own ledger (xlsx or CSV)",
			"multipart/form-data with the field file, at most 20 MB. Nothing changes yet: the answer says how the sheet is read and what it would do.",
			uploading("xlsx or CSV (UTF-8 or CP932), at most 20 MB.", one(s, s.addImport))},
		{"GET", "/imports/{id}", actor.Import, "get-import", "One import with its mapping and counts", "", one(s, s.getImport)},
		{"GET", "/imports/{id}/rows", actor.Import, "list-import-rows", "What happens to every row", "", list(s, s.importRows, rowColumns...)},
		{"POST", "/imports/{id}/mapping", actor.Import, "map-import", "Correct how the sheet is read", "Answers with new counts.", one(s, s.mapImport)},
		{"POST", "/imports/{id}/apply", actor.Import, "apply-import", "Take the rows in",
			"Ask again after an interruption: it goes on where it stopped.", one(s, s.applyImport)},
		{"POST", "/imports/{id}/undo", actor.Import, "undo-import", "Take an import back", "What somebody edited since stays.", one(s, s.undoImport)},
		{"DELETE", "/imports/{id}", actor.Import, "discard-import", "Forget an import that was not applied", "", done(s, s.discardImport)},
	}
}

func (s *server) houseRoutes() []route {
	return []route{
		{"GET", "/health", open, "health", "Says that the API answers", "", one(s, s.health)},
		{"GET", "/trail", actor.SeeTrail, "list-trail", "Who did what when, the newest first", "", list(s, s.listTrail, trailColumns...)},
		{"GET", "/trail/export", actor.SeeTrail, "export-trail", "The whole trail, one entry a line as it was hashed",
			"The leaf hash of RFC 6962 is SHA-256 over a zero byte and the line. Needs the permission to export.", s.exportTrail},
		{"GET", "/trail/checkpoint", actor.SeeTrail, "get-checkpoint", "Sign the present state of the trail", "Keep the text outside this machine.", one(s, s.checkpoint)},
		{"POST", "/trail/verify", actor.SeeTrail, "verify-trail", "Check the whole trail for damage", "", one(s, s.verifyTrail)},
	}
}

// operation is what huma and the OpenAPI document know of a route.
func (r route) operation(schemas huma.Registry) huma.Operation {
	op := huma.Operation{OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Description: r.tells, Tags: []string{r.tag()},
		Metadata: map[string]any{needKey: r.needs}, MaxBodyBytes: 1 << 20, BodyReadTimeout: 30 * time.Second, Responses: map[string]*huma.Response{}}
	wrong := func(code int, what string) {
		name := "default"
		if code > 0 {
			name = strconv.Itoa(code)
		}
		op.Responses[name] = &huma.Response{Description: what, Content: map[string]*huma.MediaType{
			"application/problem+json": {Schema: schemas.Schema(reflect.TypeFor[Problem](), true, "")}}}
	}
	wrong(0, "An error")
	switch {
	case r.method == "POST" && strings.HasPrefix(r.id, "add-"):
		op.DefaultStatus = 201
	case r.id == "start-sweep":
		op.DefaultStatus = 202
	}
	if r.needs == open {
		return op
	}
	var roles []string
	for _, role := range actor.Roles() {
		if role.May(r.needs) {
			roles = append(roles, string(role))
		}
	}
	op.Description = strings.TrimSpace(op.Description + "\n\nPermission: " + string(r.needs) + " (" + strings.Join(roles, ", ") + ").")
	op.Extensions = map[string]any{"x-permission": string(r.needs)}
	op.Security = []map[string][]string{{"token": {}}}
	wrong(401, "No token, or one that is wrong, expired or revoked")
	wrong(403, "The token's role does not allow it")
	wrong(429, "Too many requests: wait as long as Retry-After says")
	if strings.Contains(r.path, "{") {
		wrong(404, "No such thing in this facility")
	}
	return op
}

var tagOf = map[string]string{"devices": "Ledger", "merges": "Ledger", "observations": "Ledger", "topology": "Ledger", "systems": "Ledger", "suppliers": "Ledger",
	"findings": "Findings", "events": "Findings", "segments": "Sending", "unlocks": "Sending", "words": "Sending", "kill": "Sending", "frames": "Sending",
	"sweeps": "Check-ups and work", "jobs": "Check-ups and work", "imports": "Imports", "drills": "Mail drills", "drill-plans": "Mail drills", "drill-reports": "Mail drills", "drill-scenarios": "Mail drills", "catalogues": "Yearly check-up", "inquiries": "Yearly check-up", "surveys": "Yearly check-up", "evidence": "Yearly check-up", "assessments": "Yearly check-up", "questions": "Yearly check-up", "level": "Yearly check-up", "yardstick": "Yearly check-up",
	"registers": "Yearly check-up", "docks": "Yearly check-up", "pack": "Yearly check-up", "risks": "Yearly check-up", "audits": "Yearly check-up", "budget": "Yearly check-up", "trail": "House", "health": "House"}

func (r route) tag() string {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.path, "/"), "/")
	return tagOf[first]
}

func tags() []*huma.Tag {
	var out []*huma.Tag
	for _, name := range slices.Compact(slices.Sorted(maps.Values(tagOf))) {
		out = append(out, &huma.Tag{Name: name})
	}
	return out
}
