// The message field: grows with its text, stores drafts, sends on Enter, stops on Escape.
// Emits "send" with a draft, "stop", "edit-last", and "typed" when its text changed.

import { find, findAs, isComposing } from "../lib/dom.js";
import { Emitter } from "../lib/emitter.js";
import { asQuotation } from "./quotation.js";
/** @import { AttachmentTray } from "./attachmentTray.js" */
/** @import { Choice, ModelPicker } from "./modelPicker.js" */

/** @typedef {{ text: string, attachments: Wire.Attachment[] } & Choice} ComposedMessage */

const MAX_HEIGHT = 0.4; // of the window
const SAVE_MS = 250;

/** @extends {Emitter<{ send: ComposedMessage, stop: undefined, "edit-last": undefined, typed: undefined }>} */
export class Composer extends Emitter {
    #key = "";
    #timer = 0;
    #sendsWhenUploaded = false;

    /**
     * @param {HTMLFormElement} element
     * @param {string} user
     * @param {ModelPicker} picker
     * @param {AttachmentTray} tray
     */
    constructor(element, user, picker, tray) {
        super();
        this.element = element;
        this.picker = picker;
        this.tray = tray;
        this.prefix = `stagent:draft:${user}:`;
        this.area = findAs(HTMLTextAreaElement, "textarea", element);
        this.sendButton = findAs(HTMLButtonElement, "[data-send]", element);
        this.stopButton = find("[data-stop]", element);
        element.addEventListener("submit", (event) => this.#submit(event));
        this.area.addEventListener("keydown", (event) => this.#keyPressed(event));
        this.area.addEventListener("input", () => this.#edited());
        tray.on("change", () => this.#uploadsChanged());
        tray.on("emptied", () => this.restoreFocus());
        this.stopButton.addEventListener("click", () => this.#stop());
        addEventListener("resize", () => this.#grow());
        addEventListener("pagehide", () => this.#save());
    }

    get choice() {
        return this.picker.choice;
    }

    /** Shows the draft of a conversation. @param {Wire.Id | null} conversationId */
    open(conversationId) {
        this.#save();
        const isFirst = !this.#key; // somebody may have typed before this script was loaded
        this.#key = this.prefix + (conversationId ?? "new");
        this.#sendsWhenUploaded = false;
        this.tray.open(conversationId ?? "new");
        this.area.value = (isFirst && this.area.value) || (localStorage.getItem(this.#key) ?? "");
        this.#changed(false);
    }

    /** A new conversation got its id: what was written since belongs to it. @param {Wire.Id} conversationId */
    adopt(conversationId) {
        localStorage.removeItem(this.#key);
        this.#key = this.prefix + conversationId;
        this.tray.adopt(conversationId);
        this.#save();
    }

    /**
     * Puts a text before the one in the field, and files before those in the tray.
     * @param {string} text
     * @param {Wire.Attachment[]} [files]
     */
    prepend(text, files = []) {
        this.tray.restore(files);
        this.area.value = [text, this.area.value].filter((each) => each.trim()).join("\n\n");
        this.area.focus();
        this.#changed();
    }

    /** Replaces the text in the field. @param {string} text */
    setText(text) {
        this.area.value = text;
        this.#changed();
    }

    /** Adds a quotation below the text in the field. @param {string} text */
    quote(text) {
        const before = this.area.value.trimEnd();
        this.setText(`${before && `${before}\n\n`}${asQuotation(text)}\n\n`);
        this.area.focus();
        this.area.setSelectionRange(this.area.value.length, this.area.value.length);
        this.area.scrollTop = this.area.scrollHeight;
    }

    /** Proposes a sentence with the part after its first comma selected. @param {string} sentence */
    suggest(sentence) {
        this.setText(sentence);
        this.focus();
        this.area.setSelectionRange(sentence.indexOf(",") + 2, sentence.length);
    }

    focus() {
        this.area.focus({ preventScroll: true });
    }

    /** Takes the focus from a button that goes away; on a phone that would open the keyboard. */
    restoreFocus() {
        if (!matchMedia("(pointer: coarse)").matches) this.focus();
    }

    /** While an answer is under way it can be stopped, and more can be sent. @param {boolean} busy */
    showBusy(busy) {
        this.stopButton.hidden = !busy;
        this.element.toggleAttribute("data-busy", busy);
    }

    /** @param {Event} event */
    #submit(event) {
        event.preventDefault();
        const text = this.area.value.trim();
        if (!text && this.tray.isEmpty) return;
        this.#sendsWhenUploaded = this.tray.isPending;
        if (this.#sendsWhenUploaded) return this.tray.showStatus("The message is sent when the uploads finish. Edit it to cancel sending.");
        if (this.tray.hasFailed) return this.tray.showStatus("A file could not be uploaded. Retry or remove it, then send.");
        const attachments = this.tray.take();
        this.setText("");
        this.focus();
        this.emit("send", { text, attachments, ...this.choice });
    }

    #edited() {
        if (this.#sendsWhenUploaded) this.tray.showStatus("");
        this.#sendsWhenUploaded = false;
        this.#changed();
    }

    #uploadsChanged() {
        this.#showSendable();
        if (this.#sendsWhenUploaded && !this.tray.isPending) this.element.requestSubmit();
    }

    #showSendable() {
        this.sendButton.disabled = !this.area.value.trim() && this.tray.isEmpty;
    }

    /** @param {KeyboardEvent} event */
    #keyPressed(event) {
        if (isComposing(event)) return;
        if (event.key === "Enter" && !event.shiftKey && !event.altKey) return this.#submit(event);
        if (event.key === "ArrowUp" && !this.area.value) {
            event.preventDefault();
            this.emit("edit-last");
        }
    }

    #stop() {
        this.emit("stop");
        this.restoreFocus();
    }

    #changed(save = true) {
        this.#showSendable();
        this.#grow();
        this.emit("typed");
        if (!save) return;
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#save(), SAVE_MS);
    }

    #grow() {
        this.area.style.height = "auto";
        const most = innerHeight * MAX_HEIGHT;
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
            // The browser stores nothing here; the text is in the field still.
        }
    }
}
