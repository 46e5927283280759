/** Who is to be dubbed: the largest face, or the one pointed at in a still picture of the video. */

import { find, findAll, make, show } from "./dom.js";

/** The very moment at which a frame begins may show the one before. */
const JUST_AFTER_S = 0.001;

export class Speaker {
  #root = find("#speaker");
  #still = find("#speaker .still");
  #picture = find("#speaker .still video");
  #faces = find("#speaker .faces");
  #across = find("#speaker [name=x]");
  #down = find("#speaker [name=y]");
  #onChange;
  #url = null;
  #source = null;
  #asking = null;

  constructor(onChange) {
    this.#onChange = onChange;
    for (const radio of findAll("[name=speaker-kind]", this.#root)) {
      radio.addEventListener("change", () => this.#update());
    }
    for (const slider of [this.#across, this.#down]) slider.addEventListener("input", () => this.#update());
    this.#still.addEventListener("click", (event) => {
      const box = this.#still.getBoundingClientRect();
      this.#pointAt((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    });
  }

  /** "largest" or "point:X,Y", fractions of the frame. */
  get value() {
    if (!this.#points) return "largest";
    return `point:${[this.#across, this.#down].map((slider) => Number(slider.value) / 100).join(",")}`;
  }

  /** Looks at the chosen video: `url` to show it, `source` and `api` to have its faces found, each once there. */
  look(url, source, api) {
    show(this.#root, url !== null);
    if (url !== this.#url) this.#start(url);
    if (source && api && source.startsWith("upload:") && source !== this.#source) this.#findFaces(source, api);
    if (!source) this.#source = null;
  }

  get #points() {
    return this.#url !== null && find("[name=speaker-kind]:checked", this.#root).value === "point";
  }

  #start(url) {
    this.#url = url;
    this.#asking?.abort();
    this.#faces.replaceChildren();
    find("[value=largest]", this.#root).checked = true;
    if (url) this.#picture.src = `${url}#t=0.01`; // some browsers draw no frame before they seek
    else this.#picture.removeAttribute("src");
    this.#update();
  }

  async #findFaces(source, api) {
    this.#source = source;
    this.#asking = new AbortController();
    try {
      this.#showFaces(await api.faces(source, this.#asking.signal));
    } catch {
      // Pointing at the picture works without known faces.
    }
  }

  /** On the frame in which they were seen. */
  #showFaces({ width, height, at_s: atS, faces }) {
    this.#picture.currentTime = atS + JUST_AFTER_S;
    this.#faces.replaceChildren(
      ...faces.map((face, index) => {
        const button = make("button", {
          type: "button",
          "aria-label": `Face ${index + 1} of ${faces.length}`,
          "aria-pressed": "false",
          onclick: (event) => {
            event.stopPropagation();
            this.#pointAt((face.x + face.w / 2) / width, (face.y + face.h / 2) / height);
          },
        });
        const shares = { left: face.x / width, top: face.y / height, width: face.w / width, height: face.h / height };
        for (const [side, share] of Object.entries(shares)) button.style[side] = `${share * 100}%`;
        return button;
      }),
    );
    this.#update();
  }

  #pointAt(x, y) {
    find("[value=point]", this.#root).checked = true;
    for (const [slider, share] of [[this.#across, x], [this.#down, y]]) {
      slider.value = share * 100;
    }
    this.#update();
  }

  #update() {
    const [x, y] = [this.#across.value, this.#down.value];
    const severalFaces = this.#faces.children.length > 1;
    show(find(".pointing", this.#root), this.#points || severalFaces);
    show(find(".sliders", this.#root), this.#points);
    const crosshair = find(".crosshair", this.#root);
    show(crosshair, this.#points);
    crosshair.style.left = `${x}%`;
    crosshair.style.top = `${y}%`;
    for (const button of this.#faces.children) {
      button.setAttribute("aria-pressed", String(this.#points && holds(button.style, x, y)));
    }
    this.#onChange();
  }
}

/** Whether the point lies in the box; all in percent. */
function holds({ left, top, width, height }, x, y) {
  const [l, t, w, h] = [left, top, width, height].map(Number.parseFloat);
  return x >= l && x <= l + w && y >= t && y <= t + h;
}
