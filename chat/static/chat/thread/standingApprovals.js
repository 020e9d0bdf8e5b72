// What tools may always do in a place: told of where it was allowed, listed for a conversation, taken back.

import { all, remove } from "../lib/api.js";
import { button, h, iconButton } from "../lib/dom.js";
import { plain } from "./toolCall.js";
import { exactTime, shortTime } from "../lib/format.js";

const WHERE = { conversation: "this conversation", schedule: "this schedule" };

// Names the place for who is there.
export function where(place) {
    return WHERE[place.split(":")[0]] ?? place;
}

const leavesIn = (place) => all(`leaves?limit=500&place=${encodeURIComponent(place)}`);

// Ends the leave of one tool; one that has ended already is no fault.
export async function takeBack(place, tool) {
    for (const leave of await leavesIn(place)) if (leave.tool === tool) await end(leave);
}

async function end({ id }) {
    await remove(`leaves/${id}`).catch((error) => {
        if (error.status !== 404) throw error;
    });
}

// Opens the list of a place, each with the button that ends it.
export function openLeaves(place, tell) {
    const list = h("div", { class: "leaves", "aria-live": "polite" });
    const dialog = h(
        "dialog",
        { class: "small-dialog", "aria-labelledby": "leaves-title", onclose: () => dialog.remove() },
        h("header", {}, h("h2", { id: "leaves-title" }, "Always allowed"), iconButton("close", "Close", () => dialog.close())),
        list,
    );
    document.body.append(dialog);
    dialog.showModal();
    fill(list, place).catch((error) => (dialog.close(), tell(error.message)));
}

async function fill(list, place) {
    const found = await leavesIn(place);
    const none = "Nothing: tools that need your leave ask each time. Where you answer “Always allow”, the tool is listed here.";
    const rows = found.map((leave) => row(leave, () => end(leave).then(() => fill(list, place))));
    const hadFocus = list.contains(document.activeElement);
    list.replaceChildren(h("p", { class: "quiet" }, found.length ? `Called without asking in ${where(place)}.` : none), h("ul", {}, rows));
    if (hadFocus) (list.querySelector("button") ?? list.closest("dialog").querySelector("button")).focus();
}

function row(leave, act) {
    const since = h("time", { datetime: leave.given_at, title: exactTime(leave.given_at) }, shortTime(leave.given_at));
    const ends = button("Take back", act, { class: "button small", "aria-label": `Take back ${plain(leave.tool)}` });
    return h("li", {}, h("span", {}, h("strong", {}, plain(leave.tool)), h("span", { class: "quiet" }, "since ", since)), ends);
}
