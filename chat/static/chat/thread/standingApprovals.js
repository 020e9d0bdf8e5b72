// Standing approvals: which tools are called without asking in a scope. Listed for a conversation, and revoked.

import { ApiError, getAll, messageOf, remove } from "../lib/api.js";
import { findAs, h, iconButton, smallButton } from "../lib/dom.js";
import { exactTime, shortTime } from "../lib/format.js";
import { readableName } from "./toolCall.js";

/** @type {Record<string, string>} */
const SCOPES = { conversation: "this conversation", schedule: "this schedule" };

/** Names a scope such as "conversation:7" for somebody who is in it. @param {string} scope */
export function scopeName(scope) {
    return SCOPES[scope.split(":")[0]] ?? scope;
}

/**
 * @param {string} scope
 * @returns {Promise<Wire.StandingApproval[]>}
 */
function loadIn(scope) {
    return getAll(`standing-approvals?limit=500&place=${encodeURIComponent(scope)}`);
}

/**
 * Revokes the standing approval of one tool; it is no error where there is none any more.
 * @param {string} scope
 * @param {string} tool
 */
export async function revokeStandingApproval(scope, tool) {
    for (const approval of await loadIn(scope)) if (approval.tool === tool) await revoke(approval);
}

/** @param {Wire.StandingApproval} approval */
async function revoke({ id }) {
    await remove(`standing-approvals/${id}`).catch((error) => {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
    });
}

/**
 * Opens the list of a scope.
 * @param {string} scope
 * @param {(message: string) => void} notify
 */
export function openStandingApprovals(scope, notify) {
    const list = h("div", { class: "standing-approvals", "aria-live": "polite" });
    const dialog = h(
        "dialog",
        { class: "small-dialog", "aria-labelledby": "standing-approvals-title", onclose: () => dialog.remove() },
        h("header", {}, h("h2", { id: "standing-approvals-title" }, "Always allowed"), iconButton("close", "Close", () => dialog.close())),
        list,
    );
    document.body.append(dialog);
    dialog.showModal();
    show(list, dialog, scope).catch((error) => {
        dialog.close();
        notify(messageOf(error));
    });
}

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} dialog
 * @param {string} scope
 */
async function show(list, dialog, scope) {
    const approvals = await loadIn(scope);
    const none = "None. Tools that need approval ask every time. Answer a request with “Always allow” to list the tool here.";
    const rows = approvals.map((approval) => listItem(approval, () => revoke(approval).then(() => show(list, dialog, scope))));
    const hadFocus = list.contains(document.activeElement);
    list.replaceChildren(h("p", { class: "quiet" }, approvals.length ? `Called without asking in ${scopeName(scope)}.` : none), h("ul", {}, rows));
    if (hadFocus) findAs(HTMLButtonElement, "button", approvals.length ? list : dialog).focus();
}

/**
 * @param {Wire.StandingApproval} approval
 * @param {() => void} onRevoke
 */
function listItem({ tool, given_at: givenAt }, onRevoke) {
    const name = readableName(tool);
    const since = h("time", { datetime: givenAt, title: exactTime(givenAt) }, shortTime(givenAt));
    const button = smallButton("Revoke", onRevoke, { "aria-label": `Revoke ${name}` });
    return h("li", {}, h("span", {}, h("strong", {}, name), h("span", { class: "quiet" }, "since ", since)), button);
}
