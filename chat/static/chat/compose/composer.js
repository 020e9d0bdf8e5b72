// Where one writes: grows with the text, keeps drafts, sends on Enter, stops on Escape.
// Events: "send" with the text and its files, "stop", "edit-last", "typed" when the text is another.

import { find } from "../lib/dom.js";
import { quotation } from "./quotation.js";

const HIGHEST = 0.4; // of the window
const SAVE_MS = 250;

export class Composer extends EventTarget {
    #key = "";
    #timer = 0;
    #waits = false; // it is to be sent as soon as its files are there

    constructor(element, user, picker, tray) {
        super();
        Object.assign(this, { element, picker, tray });
        this.prefix = `stagent:draft:${user}:`;
        this.area = find("textarea", element);
        this.sendButton = find("[data-send]", element);
        this.stopButton = find("[data-stop]", element);
        element.addEventListener("submit", (event) => this.#submit(event));
        this.area.addEventListener("keydown", (event) => this.#press(event));
        this.area.addEventListener("input", () => this.#holdBack());
        tray.addEventListener("change", () => this.#uploaded());
        tray.addEventListener("emptied", () => this.refocus());
        this.stopButton.addEventListener("click", () => this.#stop());
        addEventListener("resize", () => this.#grow());
        addEventListener("pagehide", () => this.#save());
    }

    get choice() {
        return this.picker.choice;
    }

    // Puts the draft of a conversation in place.
    open(conversationId) {
        this.#save();
        const known = Boolean(this.#key); // before that, somebody was quicker than this script
        this.#key = this.prefix + (conversationId ?? "new");
        this.#waits = false;
        this.tray.open(conversationId ?? "new");
        this.area.value = (!known && this.area.value) || (localStorage.getItem(this.#key) ?? "");
        this.#typed(false);
    }

    // A conversation got its id; what was written since goes along.
    adopt(conversationId) {
        localStorage.removeItem(this.#key);
        this.#key = this.prefix + conversationId;
        this.tray.adopt(conversationId);
        this.#save();
    }

    // Puts words before those that are in the field already, and files to those in the tray.
    fill(text, files = []) {
        this.tray.restore(files);
        this.area.value = [text, this.area.value].filter((each) => each.trim()).join("\n\n");
        this.area.focus();
        this.#typed();
    }

    // Puts words in place of those that are in the field.
    write(text) {
        this.area.value = text;
        this.#typed();
    }

    // Puts a quotation after what is in the field; one writes on below it.
    quote(words) {
        const before = this.area.value.trimEnd();
        this.write(`${before && `${before}\n\n`}${quotation(words)}\n\n`);
        this.area.focus();
        this.area.setSelectionRange(this.area.value.length, this.area.value.length);
        this.area.scrollTop = this.area.scrollHeight;
    }

    // Proposes a sentence; what comes after its first comma is there to be written over.
    suggest(sentence) {
        this.write(sentence);
        this.focus();
        this.area.setSelectionRange(sentence.indexOf(",") + 2, sentence.length);
    }

    focus() {
        this.area.focus({ preventScroll: true });
    }

    // The keyboard comes back here from a button that goes; on a phone none is called up for it.
    refocus() {
        if (!matchMedia("(pointer: coarse)").matches) this.focus();
    }

    // While an answer is under way it can be stopped, and more can be sent.
    showBusy(busy) {
        this.stopButton.hidden = !busy;
        this.element.toggleAttribute("data-busy", busy);
    }

    #submit(event) {
        event.preventDefault();
        const text = this.area.value.trim();
        if (!text && this.tray.isEmpty) return;
        this.#waits = this.tray.isUnderWay;
        if (this.#waits) return this.tray.say("It is sent as soon as the files are there. Write on, and it waits for you.");
        if (this.tray.hasFailed) return this.tray.say("One file could not be uploaded: try again, or remove it, and send.");
        const attachments = this.tray.take();
        this.write("");
        this.focus();
        this.dispatchEvent(new CustomEvent("send", { detail: { text, attachments, ...this.choice } }));
    }

    #holdBack() {
        if (this.#waits) this.tray.say("");
        this.#waits = false;
        this.#typed();
    }

    #uploaded() {
        this.#showSendable();
        if (this.#waits && !this.tray.isUnderWay) this.element.requestSubmit();
    }

    #showSendable() {
        this.sendButton.disabled = !this.area.value.trim() && this.tray.isEmpty;
    }

    #press(event) {
        if (event.isComposing || event.keyCode === 229) return; // it belongs to the input method
        if (event.key === "Enter" && !event.shiftKey && !event.altKey) return this.#submit(event);
        if (event.key === "ArrowUp" && !this.area.value) {
            event.preventDefault();
            this.dispatchEvent(new Event("edit-last"));
        }
    }

    #stop() {
        this.dispatchEvent(new Event("stop"));
        this.refocus();
    }

    #typed(keep = true) {
        this.#showSendable();
        this.#grow();
        this.dispatchEvent(new Event("typed"));
        if (!keep) return;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#save(), SAVE_MS);
    }

    #grow() {
        this.area.style.height = "auto";
        const most = innerHeight * HIGHEST;
        this.area.style.height = `${Math.min(this.area.scrollHeight, most)}px`;
        this.area.style.overflowY = this.area.scrollHeight > most ? "auto" : "hidden";
    }

    #save() {
        clearTimeout(this.#timer);
        if (!this.#key) return;
        try {
            if (this.area.value.trim()) localStorage.setItem(this.#key, this.area.value);
            else localStorage.removeItem(this.#key);
        } catch {
            // Nothing can be kept here; the words are in the field still.
        }
    }
}
