package web

import (
	"slices"
	"strings"

	"kenshin/actor"
	"kenshin/assess/plan"
	"kenshin/blob"
	"kenshin/web/page"
)

// routes is every address of the console: who may open it, and what answers. Addresses and the fields of forms are described in page/path.go.
func routes() []route {
	see, ledger, edit := may(actor.See), may(actor.SeeLedger), may(actor.EditLedger)
	segments, approve, sweep := may(actor.SeeSegments), may(actor.EditSegments), may(actor.RunSweep)
	imports, export, jobs := may(actor.Import), may(actor.Export), may(actor.SeeJobs)
	people, trail, settings := may(actor.ManagePeople), may(actor.SeeTrail), may(actor.ManageSetting)
	drills, compose, agree := may(actor.SeeDrill), may(actor.EditDrill), may(actor.ApproveDrill)
	halt, manage := may(actor.StopDrill), may(actor.ManageDrill)
	return []route{
		// home
		{"GET /{$}", see, (*visit).home},

		// ledger
		{"GET /devices", ledger, (*visit).ledgerList},
		{"POST /devices/bulk", edit, (*visit).ledgerBulk},
		{"GET /devices/export", export, (*visit).ledgerExport},
		{"GET /devices/print", export, (*visit).ledgerPrint},
		{"GET /devices/new", edit, (*visit).deviceNew},
		{"POST /devices/new", edit, (*visit).deviceAdd},
		{"GET /devices/{id}", ledger, (*visit).device},
		{"GET /devices/{id}/edit", edit, (*visit).deviceEdit},
		{"POST /devices/{id}/edit", edit, (*visit).deviceSave},
		{"POST /devices/{id}/state", edit, (*visit).deviceState},
		{"GET /devices/{id}/history", ledger, (*visit).deviceHistory},
		{"GET /devices/{id}/merge", edit, (*visit).deviceMergeForm},
		{"POST /devices/{id}/merge", edit, (*visit).deviceMerge},
		{"GET /devices/{id}/split", edit, (*visit).deviceSplitForm},
		{"POST /devices/{id}/split", edit, (*visit).deviceSplit},
		{"POST /devices/{id}/never-touch", approve, (*visit).deviceNeverTouch},
		{"POST /devices/{id}/unlock", approve, (*visit).deviceUnlock},
		{"POST /devices/{id}/lock", approve, (*visit).deviceLock},
		{"POST /devices/{id}/attachments", edit, attach((*visit).deviceHolder)},
		{"GET /devices/{id}/attachments/{file}", ledger, attachment((*visit).deviceHolder)},
		{"POST /devices/{id}/attachments/{file}/remove", edit, detach((*visit).deviceHolder)},
		{"POST /merges/{id}/accept", edit, (*visit).mergeAccept},
		{"POST /merges/{id}/refuse", edit, (*visit).mergeRefuse},
		{"POST /merges/{id}/undo", edit, (*visit).mergeUndo},

		// import
		{"GET /import", imports, (*visit).imports},
		{"POST /import", imports, (*visit).importUpload},
		{"GET /import/{id}", imports, (*visit).importOne},
		{"GET /import/{id}/sheet", imports, (*visit).importSheet},
		{"POST /import/{id}/sheet", imports, (*visit).importChooseSheet},
		{"GET /import/{id}/columns", imports, (*visit).importColumns},
		{"POST /import/{id}/columns", imports, (*visit).importChooseColumns},
		{"GET /import/{id}/apply", imports, (*visit).importPreview},
		{"POST /import/{id}/apply", imports, (*visit).importApply},
		{"GET /import/{id}/live", imports, (*visit).importLive},
		{"POST /import/{id}/undo", imports, (*visit).importUndo},
		{"POST /import/{id}/discard", imports, (*visit).importDiscard},

		// systems and vendors
		{"GET /systems", ledger, (*visit).systems},
		{"GET /systems/new", edit, (*visit).systemNew},
		{"POST /systems/new", edit, (*visit).systemSave},
		{"GET /systems/{id}", ledger, (*visit).system},
		{"GET /systems/{id}/edit", edit, (*visit).systemEdit},
		{"POST /systems/{id}/edit", edit, (*visit).systemSave},
		{"POST /systems/{id}/delete", edit, (*visit).systemDelete},
		{"POST /systems/{id}/attachments", edit, attach((*visit).systemHolder)},
		{"GET /systems/{id}/attachments/{file}", ledger, attachment((*visit).systemHolder)},
		{"POST /systems/{id}/attachments/{file}/remove", edit, detach((*visit).systemHolder)},
		{"GET /vendors", ledger, (*visit).vendors},
		{"GET /vendors/new", edit, (*visit).vendorNew},
		{"POST /vendors/new", edit, (*visit).vendorSave},
		{"GET /vendors/{id}", ledger, (*visit).vendor},
		{"GET /vendors/{id}/edit", edit, (*visit).vendorEdit},
		{"POST /vendors/{id}/edit", edit, (*visit).vendorSave},
		{"POST /vendors/{id}/delete", edit, (*visit).vendorDelete},
		{"POST /vendors/{id}/attachments", edit, attach((*visit).vendorHolder)},
		{"GET /vendors/{id}/attachments/{file}", ledger, attachment((*visit).vendorHolder)},
		{"POST /vendors/{id}/attachments/{file}/remove", edit, detach((*visit).vendorHolder)},

		// weak points
		{"GET /findings", see, (*visit).findings},
		{"POST /findings/bulk", edit, (*visit).findingsBulk},
		{"GET /findings/export", export, (*visit).findingsExport},
		{"GET /findings/{id}", see, (*visit).finding},
		{"GET /findings/{id}/letter", see, (*visit).findingLetter},
		{"POST /findings/{id}/state", edit, (*visit).findingState},

		// yearly sheets
		{"GET /risks", may(actor.SeeAssess), sheets(plan.Risk)},
		{"POST /risks", may(actor.EditAssess), sheetBegin(plan.Risk)},
		{"GET /risks/{id}", may(actor.SeeAssess), sheetOne(plan.Risk)},
		{"POST /risks/{id}", may(actor.EditAssess), sheetSave(plan.Risk)},
		{"POST /risks/{id}/sign", may(actor.ApproveAssess), sheetSign(plan.Risk)},
		{"GET /risks/{id}/print", may(actor.SeeAssess), sheetPrint(plan.Risk)},
		{"GET /risks/{id}/xlsx", export, sheetExcel(plan.Risk)},
		{"GET /audits", may(actor.SeeAssess), sheets(plan.Audit)},
		{"POST /audits", may(actor.EditAssess), sheetBegin(plan.Audit)},
		{"GET /audits/{id}", may(actor.SeeAssess), sheetOne(plan.Audit)},
		{"POST /audits/{id}", may(actor.EditAssess), sheetSave(plan.Audit)},
		{"POST /audits/{id}/draw", may(actor.EditAssess), (*visit).sheetDraw},
		{"POST /audits/{id}/sign", may(actor.ApproveAssess), sheetSign(plan.Audit)},
		{"GET /audits/{id}/print", may(actor.SeeAssess), sheetPrint(plan.Audit)},
		{"GET /audits/{id}/xlsx", export, sheetExcel(plan.Audit)},
		{"GET /budget", may(actor.SeeAssess), sheets(plan.Budget)},
		{"POST /budget", may(actor.EditAssess), sheetBegin(plan.Budget)},
		{"GET /budget/{id}", may(actor.SeeAssess), sheetOne(plan.Budget)},
		{"POST /budget/{id}", may(actor.EditAssess), sheetSave(plan.Budget)},
		{"POST /budget/{id}/sign", may(actor.ApproveAssess), sheetSign(plan.Budget)},
		{"GET /budget/{id}/print", may(actor.SeeAssess), sheetPrint(plan.Budget)},
		{"GET /budget/{id}/xlsx", export, sheetExcel(plan.Budget)},

		// what staff reported
		{"GET /drill-reports", may(actor.TriageReport), (*visit).reported},
		{"GET /drill-reports/{id}", may(actor.TriageReport), (*visit).reportedOne},
		{"POST /drill-reports/{id}/answer", may(actor.TriageReport), (*visit).reportedAnswer},
		{"POST /drill-reports/{id}/close", may(actor.TriageReport), (*visit).reportedClose},
		{"GET /drills/{id}/phone", may(actor.SeeDrillNames), (*visit).phoneForm},
		{"POST /drills/{id}/phone", may(actor.SeeDrillNames), (*visit).phone},

		// check-ups
		{"GET /sweeps", segments, (*visit).sweeps},
		{"POST /sweeps", sweep, (*visit).sweepStart},
		{"GET /sweeps/{id}", segments, (*visit).sweep},
		{"GET /sweeps/{id}/live", segments, (*visit).sweepLive},
		{"POST /sweeps/{id}/pause", sweep, (*visit).sweepPause},
		{"POST /sweeps/{id}/resume", sweep, (*visit).sweepResume},
		{"POST /sweeps/{id}/stop", sweep, (*visit).sweepStop},

		// mail drills: lists, single ones and what moves them on
		{"GET /drills", drills, (*visit).drills},
		{"GET /drills/new", compose, (*visit).drillNew},
		{"POST /drills/new", compose, (*visit).drillSave},
		{"POST /drills/preview", compose, (*visit).drillPreview},
		{"POST /drills/persons", compose, (*visit).drillPersons},
		{"GET /drills/{id}/edit", compose, (*visit).drillEdit},
		{"POST /drills/{id}/edit", compose, (*visit).drillSave},
		{"GET /drill-scenarios", compose, (*visit).drillScenarios},
		{"POST /drill-scenarios", compose, (*visit).drillScenariosTake},
		{"GET /drill-scenarios/{id}", compose, (*visit).drillScenario},
		{"GET /drill-scenarios/{id}/file", compose, (*visit).drillScenarioFile},
		{"POST /drill-scenarios/{id}/remove", compose, (*visit).drillScenarioRemove},
		{"GET /drills/people", compose, (*visit).drillPeople},
		{"POST /drills/people", compose, (*visit).drillPersonSave},
		{"POST /drills/people/{id}/remove", compose, (*visit).drillPersonRemove},
		{"POST /drills/people/paste", compose, (*visit).drillImportPaste},
		{"POST /drills/people/import", compose, (*visit).drillImportFile},
		{"GET /drills/people/import/{id}", compose, (*visit).drillImport},
		{"POST /drills/people/import/{id}/take", compose, (*visit).drillImportApply},
		{"GET /drills/settings", manage, (*visit).drillSettings},
		{"POST /drills/settings", manage, (*visit).drillSettingsSave},
		{"POST /drills/settings/dkim", manage, (*visit).drillKey},
		{"POST /drills/settings/mailbox", manage, (*visit).drillMailbox},
		{"GET /drills/settings/report-button", manage, (*visit).reportSheet},
		{"GET /drills/settings/report-button/{file}", manage, (*visit).reportButton},
		{"POST /drills/settings/domains", manage, (*visit).drillDomainAsk},
		{"POST /drills/settings/domains/{id}/check", manage, (*visit).drillDomainCheck},
		{"POST /drills/settings/domains/{id}/confirm", manage, (*visit).drillDomainConfirm},
		{"POST /drills/settings/domains/{id}/withdraw", manage, (*visit).drillDomainWithdraw},
		{"GET /drills/scanners", drills, (*visit).drillScanners},
		{"POST /drills/scanners", compose, (*visit).drillScannerAdd},
		{"POST /drills/scanners/{id}/remove", compose, (*visit).drillScannerRemove},
		{"GET /drills/{id}", drills, (*visit).drill},
		{"GET /drills/{id}/live", drills, (*visit).drillLive},
		{"GET /drills/{id}/preflight", drills, (*visit).flight},
		{"GET /drills/{id}/preflight/live", drills, (*visit).flightLive},
		{"POST /drills/{id}/preflight", compose, flightDeed((*visit).flightBegin)},
		{"POST /drills/{id}/preflight/tests", compose, flightDeed((*visit).flightTests)},
		{"POST /drills/{id}/preflight/delivered", compose, flightDeed((*visit).flightDelivered, "mailbox", "raw")},
		{"POST /drills/{id}/preflight/learn", compose, flightDeed((*visit).flightLearn)},
		{"POST /drills/{id}/preflight/waive", compose, flightDeed((*visit).flightWaive, "check", "reason")},
		{"POST /drills/{id}/submit", compose, drillDeed((*visit).drillSubmit, "承認を頼みました。情報担当か経営者が承認すると送られます。", "Submitted. It is sent once an administrator or a director approves it.")},
		{"POST /drills/{id}/approve", agree, drillDeed((*visit).drillApprove, "承認しました。", "Approved.")},
		{"POST /drills/{id}/reject", agree, (*visit).drillReject},
		{"POST /drills/{id}/pause", halt, drillDeed((*visit).drillPause, "送信を止めました。", "Sending was stopped.")},
		{"POST /drills/{id}/resume", halt, drillDeed((*visit).drillResume, "送信を再開しました。", "Sending goes on.")},
		{"POST /drills/{id}/withdraw", halt, drillDeed((*visit).drillWithdraw, "訓練を取り消しました。", "The drill was withdrawn.")},
		{"POST /drills/{id}/copy", compose, (*visit).drillCopy},
		{"POST /drills/{id}/close", compose, drillDeed((*visit).drillClose, "訓練を終了しました。全員にふりかえりのメールを送ります。", "The drill is closed. Everybody gets a feedback mail.")},

		// results of mail drills
		{"GET /drills/totals", may(actor.SeeDrill), (*visit).drillTotals},
		{"GET /drills/review", may(actor.SeeDrill), (*visit).drillReview},
		{"GET /drills/desk", drills, (*visit).drillDesk},
		{"POST /drills/{id}/copy-to", compose, (*visit).drillCopyTo},
		{"GET /drills/plan", drills, (*visit).drillPlan},
		{"POST /drills/plan", compose, (*visit).drillPlanSave},
		{"POST /drills/plan/propose", compose, (*visit).drillPlanPropose},
		{"POST /drills/plan/{id}/draft", compose, (*visit).drillPlanDraft},
		{"POST /drills/plan/{id}/remove", compose, (*visit).drillPlanRemove},
		{"GET /drills/roll", may(actor.SeeDrill), (*visit).drillRoll},
		{"GET /drills/roll/export", may(actor.SeeDrillNames), (*visit).drillRollExport},
		{"GET /drills/{id}/releases", compose, (*visit).drillReleases},
		{"POST /drills/{id}/releases", compose, (*visit).drillReleasesRead},
		{"GET /drills/{id}/results", may(actor.SeeDrill), (*visit).drillResults},
		{"POST /drills/{id}/judge", compose, (*visit).drillJudge},
		{"GET /drills/{id}/report", may(actor.SeeDrill), (*visit).drillReport},
		{"GET /drills/{id}/targets", may(actor.SeeDrillNames), (*visit).drillTargets},
		{"GET /drills/{id}/targets/export", may(actor.SeeDrillNames), (*visit).drillTargetsExport},
		{"GET /drills/{id}/targets/{target}", may(actor.SeeDrillNames), (*visit).drillTarget},

		// the yearly check-up: answers, level
		{"GET /assess", may(actor.SeeAssess), (*visit).assessStart},
		{"GET /level", may(actor.SeeAssess), (*visit).level},
		{"POST /level/pattern", may(actor.EditAssess), (*visit).savePattern},
		{"GET /yardstick", may(actor.SeeAssess), (*visit).yardstick},
		{"GET /assess/start", may(actor.SeeAssess), (*visit).assessQuickStart},
		{"POST /assess/start", may(actor.EditAssess), (*visit).assessQuickSave},
		{"GET /assess/{id}", may(actor.SeeAssess), (*visit).assessForm},
		{"POST /assess/{id}/carry", may(actor.EditAssess), (*visit).assessCarry},
		{"GET /assess/{id}/{item}", may(actor.SeeAssess), (*visit).assessItem},
		{"POST /assess/{id}/{item}", may(actor.EditAssess), (*visit).assessSave},
		{"POST /assess/{id}/{item}/ask", may(actor.EditAssess), (*visit).assessAsk},
		{"POST /assess/{id}/{item}/reply", may(actor.EditAssess), (*visit).assessReply},
		{"POST /assess/{id}/{item}/withdraw", may(actor.EditAssess), (*visit).assessWithdraw},
		{"POST /assess/{id}/{item}/attachments", may(actor.EditAssess), attach((*visit).itemHolder)},
		{"GET /assess/{id}/{item}/attachments/{file}", may(actor.SeeAssess), attachment((*visit).itemHolder)},
		{"POST /assess/{id}/{item}/attachments/{file}/remove", may(actor.EditAssess), detach((*visit).itemHolder)},

		// vendors' forms, questions and surveys
		{"GET /inquiries", may(actor.SeeInquiry), (*visit).inquiries},
		{"POST /inquiries/ask", may(actor.EditAssess), (*visit).inquiryAsk},
		{"POST /inquiries/question", may(actor.EditAssess), (*visit).inquiryQuestion},
		{"GET /inquiries/settings", may(actor.EditAssess), (*visit).inquirySettings},
		{"POST /inquiries/settings", may(actor.EditAssess), (*visit).inquirySettingsSave},
		{"GET /inquiries/{id}", may(actor.SeeInquiry), (*visit).inquiry},
		{"POST /inquiries/{id}/remind", may(actor.EditAssess), (*visit).inquiryRemind},
		{"POST /inquiries/{id}/revoke", may(actor.EditAssess), inquiryDeed((*visit).inquiryRevoke, "依頼を取り消しました。", "Revoked.")},
		{"POST /inquiries/{id}/refuse", may(actor.EditAssess), inquiryDeed((*visit).inquiryRefuse, "断られたことを記録し、弱点に加えました。", "The refusal is recorded as a weak point.")},
		{"POST /inquiries/{id}/return", may(actor.EditAssess), inquiryDeed((*visit).inquiryReturn, "差し戻しました。リンクの期限が過ぎていたら「催促する」で新しいリンクを送ってください。", "Given back. If its link has run out, send a reminder.")},
		{"POST /inquiries/{id}/take", may(actor.EditAssess), inquiryDeed((*visit).inquiryTake, "回答を取り込みました。", "Taken in.")},
		{"GET /inquiries/{id}/workbook", may(actor.EditAssess), (*visit).inquiryWorkbook},
		{"POST /inquiries/{id}/workbook", may(actor.EditAssess), (*visit).inquiryWorkbookRead},
		{"POST /inquiries/{id}/workbook/take", may(actor.EditAssess), (*visit).inquiryWorkbookTake},
		{"GET /inquiries/{id}/files/{file}", may(actor.SeeInquiry), (*visit).inquiryFile},
		{"GET /inquiries/{id}/visit", may(actor.SeeInquiry), (*visit).visitSheet},
		{"POST /inquiries/{id}/visit", may(actor.EditAssess), (*visit).visitNotes},
		{"GET /surveys", may(actor.SeeInquiry), (*visit).surveys},
		{"GET /surveys/new", may(actor.EditAssess), (*visit).surveyNew},
		{"POST /surveys/new", may(actor.EditAssess), (*visit).surveySend},
		{"GET /surveys/{id}", may(actor.SeeInquiry), (*visit).survey},
		{"POST /surveys/{id}/close", may(actor.EditAssess), (*visit).surveyClose},

		// registers
		{"GET /registers", may(actor.SeeAssess), (*visit).registers},
		{"GET /registers/leavers/match", export, (*visit).leavers},
		{"GET /registers/{kind}", may(actor.SeeAssess), (*visit).registerOne},
		{"GET /registers/{kind}/print", may(actor.SeeAssess), (*visit).registerPrint},
		{"GET /registers/{kind}/matrix", may(actor.SeeAssess), (*visit).registerMatrix},
		{"GET /registers/{kind}/export", export, (*visit).registerExport},
		{"GET /registers/{kind}/new", may(actor.KeepRegister), (*visit).rowNew},
		{"POST /registers/{kind}/new", may(actor.KeepRegister), (*visit).rowSave},
		{"GET /registers/{kind}/many", may(actor.KeepRegister), (*visit).manyForm},
		{"POST /registers/{kind}/many", may(actor.KeepRegister), (*visit).many},
		{"POST /registers/{kind}/import", may(actor.KeepRegister), (*visit).registerImport},
		{"GET /registers/{kind}/import/{id}", may(actor.KeepRegister), (*visit).registerPreview},
		{"POST /registers/{kind}/import/{id}", may(actor.KeepRegister), (*visit).registerTake},
		{"GET /registers/{kind}/rows/{id}", may(actor.SeeAssess), (*visit).row},
		{"GET /registers/{kind}/rows/{id}/edit", may(actor.KeepRegister), (*visit).rowEdit},
		{"POST /registers/{kind}/rows/{id}/edit", may(actor.KeepRegister), (*visit).rowSave},
		{"POST /registers/{kind}/rows/{id}/confirm", may(actor.KeepRegister), (*visit).rowConfirm},
		{"POST /registers/{kind}/rows/{id}/remove", may(actor.KeepRegister), (*visit).rowRemove},
		{"POST /registers/{kind}/rows/{id}/attachments", may(actor.KeepRegister), attach((*visit).rowHolder)},
		{"GET /registers/{kind}/rows/{id}/attachments/{file}", may(actor.SeeAssess), attachment((*visit).rowHolder)},
		{"POST /registers/{kind}/rows/{id}/attachments/{file}/remove", may(actor.KeepRegister), detach((*visit).rowHolder)},

		// catalogues of what is asked
		{"GET /catalogues", may(actor.SeeAssess), (*visit).catalogues},
		{"POST /catalogues/load", may(actor.EditCatalogue), editions((*visit).catalogueLoad)},
		{"GET /catalogue-tables/{table}", may(actor.SeeAssess), (*visit).tableFile},
		{"POST /catalogue-tables/{table}/reset", may(actor.EditCatalogue), editions((*visit).tableReset)},
		{"GET /catalogues/{id}", may(actor.SeeAssess), (*visit).catalogue},
		{"GET /catalogues/{id}/file", may(actor.SeeAssess), (*visit).catalogueFile},
		{"POST /catalogues/{id}/restore", may(actor.EditCatalogue), editions((*visit).catalogueRestore)},
		{"GET /catalogues/{id}/items/{item}", may(actor.EditCatalogue), editions((*visit).catalogueItem)},
		{"POST /catalogues/{id}/items/{item}", may(actor.EditCatalogue), editions((*visit).catalogueAmend)},

		// the yearly check-up as a document, and the pack for an inspection
		{"GET /dock", may(actor.SeeAssess), (*visit).docks},
		{"POST /dock", may(actor.EditAssess), (*visit).dockFreeze},
		{"POST /dock/routine", may(actor.EditAssess), (*visit).dockRoutine},
		{"GET /dock/{id}", may(actor.SeeAssess), (*visit).dock},
		{"GET /dock/{id}/director", may(actor.SeeAssess), (*visit).dockDirector},
		{"GET /dock/{id}/verify", may(actor.SeeAssess), (*visit).dockVerify},
		{"GET /dock/{id}/file", export, (*visit).dockFile},
		{"POST /dock/{id}/approve", may(actor.ApproveAssess), (*visit).dockApprove},
		{"GET /pack", export, (*visit).pack},
		{"GET /pack/{file}", export, (*visit).packFile},
		{"POST /pack/remarks", may(actor.EditAssess), (*visit).packRemark},

		// segments and the gate
		{"GET /segments", segments, (*visit).segments},
		{"GET /segments/new", approve, (*visit).segmentNew},
		{"POST /segments/new", approve, (*visit).segmentSave},
		{"GET /segments/sent", segments, (*visit).framesSent},
		{"GET /segments/{id}", approve, (*visit).segment},
		{"POST /segments/{id}", approve, (*visit).segmentSave},
		{"POST /segments/{id}/withdraw", approve, (*visit).segmentWithdraw},
		{"POST /segments/{id}/sweep", sweep, (*visit).segmentSweep},
		{"POST /kill", approve, (*visit).kill},

		// work
		{"GET /jobs", jobs, (*visit).jobs},
		{"GET /jobs/live", jobs, (*visit).jobsLive},
		{"GET /jobs/{id}", jobs, (*visit).job},
		{"GET /jobs/{id}/live", jobs, (*visit).jobLive},
		{"GET /jobs/{id}/file", export, (*visit).jobFile},
		{"POST /jobs/{id}/cancel", sweep, (*visit).jobCancel},
		{"POST /jobs/{id}/retry", sweep, (*visit).jobRetry},

		// setup and signing in
		{"GET /setup", door, (*visit).setupForm},
		{"POST /setup", door, (*visit).setup},
		{"GET /setup/done", anybody, (*visit).setupDone},
		{"GET /signin", door, (*visit).signInForm},
		{"POST /signin", door, (*visit).signIn},
		{"GET /signin/second", pending, (*visit).secondForm},
		{"POST /signin/second", pending, (*visit).second},
		{"GET /signin/recovery", pending, (*visit).recoveryForm},
		{"POST /signin/recovery", pending, (*visit).recovery},
		{"POST /signin/passkey/options", door, (*visit).passkeyOptions},
		{"POST /signin/passkey/verify", door, (*visit).passkeyVerify},
		{"POST /signout", door, (*visit).signOut},
		{"GET /invite/{secret}", door, (*visit).inviteForm},
		{"POST /invite/{secret}", door, (*visit).invite},
		{"POST /language", door, (*visit).language},
		{"GET /ca", door, (*visit).rootFile},

		// me: sessions, passkeys, password, facility
		{"GET /me", anybody, (*visit).me},
		{"POST /me/password", anybody, (*visit).changePassword},
		{"POST /me/profile", anybody, (*visit).editProfile},
		{"GET /me/totp", anybody, (*visit).totpForm},
		{"POST /me/totp", anybody, (*visit).totp},
		{"POST /me/totp/remove", anybody, (*visit).totpRemove},
		{"POST /me/codes", anybody, (*visit).newCodes},
		{"POST /me/passkey/options", door, (*visit).passkeyCreateOptions}, // also for a first factor: the handlers look at the stage
		{"POST /me/passkey/verify", door, (*visit).passkeyCreate},
		{"POST /me/passkeys/{id}/remove", anybody, (*visit).passkeyRemove},
		{"POST /me/sessions/end", anybody, (*visit).sessionsEnd},
		{"POST /me/sessions/{id}/end", anybody, (*visit).sessionEnd},
		{"POST /facility", anybody, (*visit).enterFacility},

		// people and tokens
		{"GET /people", people, (*visit).people},
		{"POST /people/invite", people, (*visit).inviteAdd},
		{"POST /people/invite/{id}/revoke", people, (*visit).inviteRevoke},
		{"POST /people/tokens", people, (*visit).tokenAdd},
		{"POST /people/tokens/{id}/revoke", people, (*visit).tokenRevoke},
		{"POST /people/{id}/role", people, (*visit).personRole},
		{"POST /people/{id}/remove", people, (*visit).personRemove},
		{"POST /people/{id}/signout", people, (*visit).personSignOut},

		// trail
		{"GET /trail", trail, (*visit).trail},
		{"POST /trail/verify", trail, (*visit).trailVerify},
		{"GET /trail/export", export, (*visit).trailExport},
		{"GET /trail/checkpoint", export, (*visit).checkpoint},
		{"GET /trail/seals", trail, (*visit).seals},
		{"GET /trail/seals/{day}", trail, (*visit).seals},

		// settings and help
		{"GET /settings", settings, (*visit).settings},
		{"POST /settings", settings, (*visit).settingsSave},
		{"POST /settings/mail", settings, (*visit).mailSave},
		{"POST /settings/mail/test", settings, (*visit).mailTest},
		{"POST /settings/weekly", settings, (*visit).weeklySave},
		{"GET /settings/ca", settings, (*visit).rootHelp},
		{"GET /help", anybody, (*visit).help},
	}
}

// uploads reports the addresses that take a file, and with it a larger request.
func uploads(path string) bool {
	path = strings.TrimPrefix(path, "/api/v1")
	switch path {
	case "/import", "/imports", page.PathDrillImport, page.PathDrillScenarios, page.PathCatalogueLoad, "/docks/verify":
		return true
	}
	for under, ends := range map[string][]string{page.PathRegisters + "/": {"/import", "/imports"}, page.PathInquiries + "/": {"/workbook"}, "/": {"/attachments", "/releases"}} {
		if strings.HasPrefix(path, under) && slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(path, end) }) {
			return true
		}
	}
	return false
}

// maxFile is the largest file that a form takes.
const maxFile = blob.MaxSize
