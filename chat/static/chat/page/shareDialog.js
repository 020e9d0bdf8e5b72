// The link by which others read a conversation: made, shown again, renewed, taken back.

import { get, post, remove } from "../lib/api.js";
import { button, copy, h, iconButton } from "../lib/dom.js";
import { exactTime, shortTime } from "../lib/format.js";

const DAY_MS = 86_400_000;
const LASTS = [["", "until I take it back"], ["1", "for a day"], ["7", "for a week"], ["30", "for 30 days"]];
const SHOWS =
    "Whoever can sign in here and has the link reads this branch as it is now: your words and the answers. Thoughts, tool calls and files are left out, and what is said later is not shown.";

export function openSharing(conversation, tell) {
    new Sharing(conversation).open().catch((error) => tell(error.message));
}

class Sharing {
    constructor({ id, shared }) {
        this.path = `conversations/${id}/share`;
        this.isThere = shared;
        this.body = h("div", { class: "sharing", "aria-live": "polite" });
        this.wrong = h("p", { class: "wrong", role: "alert" });
        this.dialog = h(
            "dialog",
            { class: "small-dialog", "aria-labelledby": "sharing-title", onclose: () => this.dialog.remove() },
            h("header", {}, h("h2", { id: "sharing-title" }, "Share a link"), iconButton("close", "Close", () => this.dialog.close())),
            this.body,
            this.wrong,
        );
    }

    async open() {
        const link = this.isThere ? await get(this.path).catch(whereThereIsNone) : null;
        document.body.append(this.dialog);
        this.dialog.showModal();
        this.#show(link);
    }

    #show(link) {
        this.body.replaceChildren(...(link ? this.#link(link) : this.#none()));
        this.body.querySelector("input, .main").focus();
    }

    #none() {
        return [
            h("p", { class: "quiet" }, SHOWS),
            h("div", { class: "row" }, this.#duration(), button("Make the link", () => this.#make(), { class: "button main" }, "link")),
        ];
    }

    #link(link) {
        const field = h("input", { type: "text", readonly: true, value: link.url, "aria-label": "Link", onfocus: () => field.select() });
        const take = button("Copy", () => copy(link.url, take), { class: "button main" }, "copy");
        const over = link.expires_at && new Date(link.expires_at) <= new Date();
        const until = link.expires_at ? `${over ? "It has expired" : "It expires"} ${shortTime(link.expires_at)}.` : "It lasts until you take it back.";
        return [
            h("div", { class: "row" }, field, take),
            h("p", { class: "quiet", title: exactTime(link.shared_at) }, `It shows ${messages(link.messages)}, as of ${shortTime(link.shared_at)}, to whoever can sign in here. ${until}`),
            h("div", { class: "row" }, this.#duration(), button(over ? "Make another" : "Update to now", () => this.#make())),
            h("div", { class: "row" }, button("Take the link back", () => this.#takeBack(), { class: "button", "data-tone": "bad" })),
        ];
    }

    #duration() {
        this.lasts = h("select", { "aria-label": "How long" }, LASTS.map(([days, words]) => h("option", { value: days || " " }, words)));
        return this.lasts;
    }

    #make() {
        const days = Number(this.lasts.value);
        const expires_at = days ? new Date(Date.now() + days * DAY_MS).toISOString() : null;
        return this.#attempt(() => post(this.path, { expires_at }));
    }

    #takeBack() {
        return this.#attempt(() => remove(this.path).catch(whereThereIsNone));
    }

    async #attempt(change) {
        this.wrong.textContent = "";
        try {
            this.#show(await change());
        } catch (error) {
            this.wrong.textContent = error.message;
        }
    }
}

// Another tab took it back.
function whereThereIsNone(error) {
    if (error.code !== "share_not_found") throw error;
    return null;
}

function messages(count) {
    return count === 1 ? "one message" : `${count} messages`;
}
