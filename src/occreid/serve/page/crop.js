// Choosing the part of a picture: by pointer, by arrow keys, by numbers, by a click on a person that was found. All of
// them change one box in picture pixels. The picture can be enlarged; the view then scrolls.

import { element } from "./dom.js";

const SMALLEST = 8;
const ZOOMS = [1, 1.5, 2, 3, 4, 6, 8];
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Cropper {
  constructor(root) {
    this.image = root.querySelector("#shown");
    this.stage = root.querySelector("#stage");
    this.frame = root.querySelector("#box");
    this.inputs = Object.fromEntries(["x", "y", "width", "height"].map((n) => [n, root.querySelector(`#box-${n}`)]));
    this.box = null;
    this.view = root.querySelector("#view");
    this.proposals = root.querySelector("#proposals");
    this.zoomIn = root.querySelector("#zoom-in");
    this.zoomOut = root.querySelector("#zoom-out");
    this.level = root.querySelector("#zoom-level");
    this.zoomed = 0;
    this.zoomIn.addEventListener("click", () => this.zoom(this.zoomed + 1));
    this.zoomOut.addEventListener("click", () => this.zoom(this.zoomed - 1));
    this.view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      this.zoom(this.zoomed - Math.sign(event.deltaY));
    }, { passive: false });
    this.stage.addEventListener("pointerdown", (event) => this.#draw(event));
    this.frame.addEventListener("keydown", (event) => this.#key(event));
    for (const input of Object.values(this.inputs)) input.addEventListener("change", () => this.#numbers());
    root.querySelector("#whole").addEventListener("click", () => this.set(null));
    addEventListener("resize", () => this.#show());
  }

  // A picture begins with no box: all of it is searched.
  load(address) {
    return new Promise((resolve, reject) => {
      this.image.onload = () => { this.propose([]); this.zoom(0); this.set(null); resolve(); };
      this.image.onerror = () => reject(new Error("The browser cannot show this picture; it can still be searched."));
      this.image.src = address;
    });
  }

  // Persons that were found: buttons over the picture, the surest first.
  propose(boxes) {
    this.proposals.replaceChildren(...boxes.map((box, place) => {
      const choose = () => { this.set(box); this.frame.focus({ preventScroll: true }); };
      const label = `Person ${place + 1}, ${Math.round(100 * box.score)} % sure`;
      const button = element("button", { type: "button", class: "proposal", "aria-label": label, title: label, "aria-pressed": "false", onclick: choose });
      return Object.assign(button, { place: box });
    }));
    this.#show();
  }

  // One of ZOOMS, by its place; the chosen part, else the middle, stays in view.
  zoom(place) {
    this.zoomed = clamp(place, 0, ZOOMS.length - 1);
    const scale = ZOOMS[this.zoomed];
    this.stage.classList.toggle("zoomed", scale > 1);
    this.image.style.width = "";
    if (scale > 1) this.image.style.width = `${this.#natural() * scale}px`;
    this.level.textContent = `${Math.round(100 * scale)} %`;
    this.zoomOut.disabled = this.zoomed === 0;
    this.zoomIn.disabled = this.zoomed === ZOOMS.length - 1;
    this.#show();
    const { x, y, width, height } = this.#whole();
    const shown = this.image.clientWidth / this.image.naturalWidth;
    this.view.scrollTo((x + width / 2) * shown - this.view.clientWidth / 2, (y + height / 2) * shown - this.view.clientHeight / 2);
  }

  // Width in which the whole picture fits the view.
  #natural() {
    const { naturalWidth: w, naturalHeight: h } = this.image;
    return Math.min(w, this.view.clientWidth, (380 * w) / h);
  }

  set(box) {
    const { naturalWidth: w, naturalHeight: h } = this.image;
    if (box) {
      const width = clamp(Math.round(box.width), Math.min(SMALLEST, w), w);
      const height = clamp(Math.round(box.height), Math.min(SMALLEST, h), h);
      box = { x: clamp(Math.round(box.x), 0, w - width), y: clamp(Math.round(box.y), 0, h - height), width, height };
    }
    this.box = box;
    this.#show();
  }

  // "x,y,width,height", or nothing for the whole picture.
  get text() {
    return this.box ? [this.box.x, this.box.y, this.box.width, this.box.height].join(",") : "";
  }

  // What will be searched, as a small JPEG data address, for the list and the report.
  preview(height = 256) {
    const { x, y, width, height: h } = this.#whole();
    const canvas = document.createElement("canvas");
    canvas.height = Math.min(height, h);
    canvas.width = Math.max(1, Math.round((width * canvas.height) / h));
    canvas.getContext("2d").drawImage(this.image, x, y, width, h, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", 0.9);
  }

  #whole() {
    return this.box ?? { x: 0, y: 0, width: this.image.naturalWidth, height: this.image.naturalHeight };
  }

  #show() {
    const box = this.#whole();
    for (const [name, input] of Object.entries(this.inputs)) input.value = box[name];
    this.frame.hidden = !this.box;
    const scale = this.image.clientWidth / this.image.naturalWidth;
    const lay = (item, { x, y, width, height }) => Object.assign(item.style, {
      left: `${x * scale}px`, top: `${y * scale}px`, width: `${width * scale}px`, height: `${height * scale}px`,
    });
    lay(this.frame, box);
    for (const button of this.proposals.children) {
      lay(button, button.place);
      const same = ["x", "y", "width", "height"].every((name) => this.box?.[name] === button.place[name]);
      button.setAttribute("aria-pressed", String(same));
    }
  }

  #at(event) {
    const area = this.image.getBoundingClientRect();
    const scale = this.image.naturalWidth / area.width;
    return [(event.clientX - area.left) * scale, (event.clientY - area.top) * scale];
  }

  #draw(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const [left, top] = this.#at(event);
    const pressed = event.target.closest(".proposal");
    let drawn = false;
    const { naturalWidth: w, naturalHeight: h } = this.image;
    this.stage.setPointerCapture(event.pointerId);
    const move = (moved) => {
      const [x, y] = this.#at(moved).map((v, i) => clamp(v, 0, i ? h : w));
      if (Math.abs(x - left) < SMALLEST || Math.abs(y - top) < SMALLEST) return;
      drawn = true;
      this.set({ x: Math.min(x, left), y: Math.min(y, top), width: Math.abs(x - left), height: Math.abs(y - top) });
    };
    const end = () => {
      this.stage.removeEventListener("pointermove", move);
      if (pressed && !drawn) this.set(pressed.place); // the captured pointer's click would go to the stage
      if (this.box) this.frame.focus({ preventScroll: true });
    };
    this.stage.addEventListener("pointermove", move);
    this.stage.addEventListener("pointerup", end, { once: true });
    this.stage.addEventListener("pointercancel", end, { once: true });
  }

  #key(event) {
    const step = Math.max(1, Math.round(this.image.naturalWidth / 100));
    const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (!way || !this.box) return;
    event.preventDefault();
    const [dx, dy] = way;
    const { x, y, width, height } = this.box;
    this.set(event.shiftKey ? { x, y, width: width + dx, height: height + dy } : { x: x + dx, y: y + dy, width, height });
  }

  #numbers() {
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => this.inputs[name].valueAsNumber || 0);
    this.set({ x, y, width, height });
  }
}
