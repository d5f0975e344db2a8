/** The words of the page. @typedef {"en" | "pt"} Language */

/** @type {Record<Language, Record<string, string>>} */
export const TEXTS = {
  en: {
    tagline: "None of these images existed before. A network draws them out of noise, here on your device.",
    otherLanguage: "Português",
    images: "Images",
    progress: "Progress",
    settings: "Settings",
    loading: "Waking the network…",
    estimateOfTime: "On this device an image takes about {time}, with {engine}.",
    working: "Step {step} of {steps}. An image takes about {time}.",
    done: "Here they are, in {time}. Choose one to see its way out of the noise.",
    stopped: "Stopped.",
    class: "What to draw",
    all: "A bit of everything",
    prompt: "Describe an image",
    examples: "Descriptions to try",
    promptHelp: "Of a description, the network reads the first {words} words. Enter draws it.",
    not: "What it should not show",
    notNamed: "without {text}",
    unread: "The network does not read: {words}.",
    unknownWords: "The network has never seen these words: {words}. It goes by words that look like them.",
    tags: "Tags",
    findTag: "Find a tag",
    numbersAsked: "Numbers",
    numbersHelp: "A number counts if its box is checked; moving its slider checks it.",
    askFirst: "This network draws nothing unasked: say in the settings what to draw.",
    steps: "Steps",
    stepsHelp: "More steps take longer and often look better.",
    guidance: "Guidance",
    guidanceHelp: "How strictly an image keeps to what you chose. 1 is as in the real images.",
    weights: "One for each kind",
    kind_class: "Class",
    kind_text: "Description",
    kind_tags: "Tags",
    kind_picture: "Picture to draw from",
    kind_downscaled: "Picture to enlarge",
    kind_gray: "Picture to colour",
    kind_edges: "Outlines to fill",
    kind_masked: "Picture to complete",
    draw_picture: "Draw it, or open one. Empty, it asks for nothing.",
    draw_downscaled: "Draw it, or open a photo, which is reduced to this size. Empty, it asks for nothing.",
    draw_gray: "Draw it, or open a photo, which becomes gray. Empty, it asks for nothing.",
    draw_edges: "Draw lines, or open a photo, in which the page finds them. Without lines it asks for nothing.",
    draw_masked: "Open a photo, and paint over the part to draw anew. Until then it asks for nothing.",
    canvas: "Canvas: arrow keys move the brush, the space bar paints",
    brush: "Width of the brush",
    paintWith: "What to paint with",
    openPhoto: "Open a photo",
    noPhoto: "This browser cannot open the file as an image: choose a PNG or a JPEG.",
    paintOver: "Now paint over the part to draw anew.",
    fromCanvas: "from the canvas",
    ownColour: "Another colour",
    missing: "To draw anew",
    putBack: "To keep",
    black: "Black",
    darkGray: "Dark gray",
    gray: "Gray",
    lightGray: "Light gray",
    white: "White",
    red: "Red",
    yellow: "Yellow",
    green: "Green",
    blue: "Blue",
    brown: "Brown",
    sampler: "Sampler",
    own: "{name} (default)",
    seed: "Seed",
    seedHelp: "The same seed gives the same images, as does nevoa sample --seed. Type one, then choose New images.",
    wrongSeed: "The seed must be a whole number from 0 to 4,294,967,295.",
    again: "New images",
    stop: "Stop",
    png: "Save PNG",
    gif: "Save GIF",
    image: "Image {number}",
    imageOf: "Image {number}: {label}",
    about: "What am I looking at?",
    aboutModel: "A network of {parameters} numbers, trained on {data} (licence of the data: {licence}), has learned to remove noise, and so draws each image out of nothing but noise.",
    aboutDistance: "Its images are at a Fréchet distance of {distance} from real ones ({metric}; 0 would be the same, and as many real images are at {floor}).",
    aboutUnmeasured: "Nobody has measured yet how close its images come to real ones.",
    close: "Close",
    soFar: "The image at this step",
    estimate: "What the network expects in the end",
    scrub: "Step {step} of {steps}, timestep {t}",
    frame: "Step {step}",
    paint: "Redraw a part",
    paintHelp: "Paint over what should be drawn anew, with a finger or the mouse. With the keyboard: arrow keys move the brush, the space bar paints.",
    mask: "Paint the part to redraw",
    fill: "Redraw it",
    filling: "Redrawing: step {step} of {steps}.",
    filled: "Done. The rest has stayed as it was.",
    nothingPainted: "Paint something first.",
    clear: "Wipe",
    leave: "Back",
    blend: "Blend with another",
    blendHelp: "Choose the other image. Escape leaves it.",
    blending: "Blending: step {step} of {steps}.",
    blended: "From one image to the other. Move the slider.",
    between: "{percent} % of the way",
    betweenTitle: "From image {first} to image {second}",
    damaged: "The weights in this page are damaged, perhaps because a download was cut short. Download the page again.",
    numbers: "These settings led to numbers without end. Choose more steps or less guidance.",
    other: "This browser cannot run the network ({text}). Try a current version of Firefox, Chrome, Edge or Safari.",
    unreachable: "The weights were not found. This page belongs on a web server, beside its file {name}.",
  },
  pt: {
    tagline: "Nenhuma destas imagens existia antes. Uma rede neuronal tira-as do ruído, aqui mesmo no seu aparelho.",
    otherLanguage: "English",
    images: "Imagens",
    progress: "Progresso",
    settings: "Definições",
    loading: "A acordar a rede…",
    estimateOfTime: "Neste aparelho, uma imagem demora cerca de {time}, com {engine}.",
    working: "Passo {step} de {steps}. Uma imagem demora cerca de {time}.",
    done: "Aqui estão, em {time}. Escolha uma para ver como saiu do ruído.",
    stopped: "Parado.",
    class: "O que desenhar",
    all: "Um pouco de tudo",
    prompt: "Descreva uma imagem",
    examples: "Descrições para experimentar",
    promptHelp: "De uma descrição, a rede lê as primeiras {words} palavras. Enter desenha-a.",
    not: "O que não deve mostrar",
    notNamed: "sem {text}",
    unread: "A rede não lê: {words}.",
    unknownWords: "A rede nunca viu estas palavras: {words}. Guia-se por palavras parecidas.",
    tags: "Tags",
    findTag: "Procurar uma tag",
    numbersAsked: "Números",
    numbersHelp: "Um número conta se a sua caixa estiver marcada; mover o cursor marca-a.",
    askFirst: "Esta rede não desenha nada sem um pedido: diga nas definições o que desenhar.",
    steps: "Passos",
    stepsHelp: "Mais passos demoram mais e costumam dar imagens melhores.",
    guidance: "Orientação",
    guidanceHelp: "Até que ponto a imagem respeita a sua escolha. Com 1, tanto como as imagens reais.",
    weights: "Uma para cada tipo",
    kind_class: "Classe",
    kind_text: "Descrição",
    kind_tags: "Tags",
    kind_picture: "Imagem de que se parte",
    kind_downscaled: "Imagem a ampliar",
    kind_gray: "Imagem a colorir",
    kind_edges: "Contornos a preencher",
    kind_masked: "Imagem a completar",
    draw_picture: "Desenhe-a ou abra uma. Vazia, não pede nada.",
    draw_downscaled: "Desenhe-a ou abra uma fotografia, que é reduzida a este tamanho. Vazia, não pede nada.",
    draw_gray: "Desenhe-a ou abra uma fotografia, que fica a preto e branco. Vazia, não pede nada.",
    draw_edges: "Desenhe linhas ou abra uma fotografia, em que a página as encontra. Sem linhas, não pede nada.",
    draw_masked: "Abra uma fotografia e pinte por cima da parte a desenhar de novo. Até lá, não pede nada.",
    canvas: "Tela: as setas movem o pincel e a barra de espaços pinta",
    brush: "Largura do pincel",
    paintWith: "Pintar com",
    openPhoto: "Abrir uma fotografia",
    noPhoto: "Este navegador não consegue abrir o ficheiro como imagem: escolha um PNG ou um JPEG.",
    paintOver: "Agora pinte por cima da parte a desenhar de novo.",
    fromCanvas: "a partir da tela",
    ownColour: "Outra cor",
    missing: "Desenhar de novo",
    putBack: "Manter",
    black: "Preto",
    darkGray: "Cinzento-escuro",
    gray: "Cinzento",
    lightGray: "Cinzento-claro",
    white: "Branco",
    red: "Vermelho",
    yellow: "Amarelo",
    green: "Verde",
    blue: "Azul",
    brown: "Castanho",
    sampler: "Amostrador",
    own: "{name} (predefinido)",
    seed: "Semente",
    seedHelp: "A mesma semente dá as mesmas imagens, tal como nevoa sample --seed. Escreva uma e escolha Novas imagens.",
    wrongSeed: "A semente tem de ser um número inteiro de 0 a 4 294 967 295.",
    again: "Novas imagens",
    stop: "Parar",
    png: "Guardar PNG",
    gif: "Guardar GIF",
    image: "Imagem {number}",
    imageOf: "Imagem {number}: {label}",
    about: "O que estou a ver?",
    aboutModel: "Uma rede neuronal de {parameters} números, treinada com {data} (licença dos dados: {licence}), aprendeu a retirar ruído e desenha assim cada imagem a partir de ruído puro.",
    aboutDistance: "As suas imagens estão a uma distância de Fréchet de {distance} das reais ({metric}; 0 seria igual, e outras tantas imagens reais ficam a {floor}).",
    aboutUnmeasured: "Ainda ninguém mediu quão próximas das reais são as suas imagens.",
    close: "Fechar",
    soFar: "A imagem neste passo",
    estimate: "O que a rede espera no fim",
    scrub: "Passo {step} de {steps}, passo de tempo {t}",
    frame: "Passo {step}",
    paint: "Redesenhar uma parte",
    paintHelp: "Pinte por cima do que quer desenhar de novo, com o dedo ou o rato. Com o teclado: as setas movem o pincel e a barra de espaços pinta.",
    mask: "Pintar a parte a redesenhar",
    fill: "Redesenhar",
    filling: "A redesenhar: passo {step} de {steps}.",
    filled: "Pronto. O resto ficou como estava.",
    nothingPainted: "Pinte primeiro alguma coisa.",
    clear: "Limpar",
    leave: "Voltar",
    blend: "Misturar com outra",
    blendHelp: "Escolha a outra imagem. Escape para desistir.",
    blending: "A misturar: passo {step} de {steps}.",
    blended: "De uma imagem à outra. Mova o cursor.",
    between: "{percent} % do caminho",
    betweenTitle: "Da imagem {first} à imagem {second}",
    damaged: "Os pesos desta página estão danificados, talvez por um descarregamento interrompido. Descarregue a página outra vez.",
    numbers: "Com estas definições, os números cresceram até ao infinito. Escolha mais passos ou menos orientação.",
    other: "Este navegador não consegue executar a rede ({text}). Experimente uma versão atual do Firefox, Chrome, Edge ou Safari.",
    unreachable: "Os pesos não foram encontrados. Esta página tem de estar num servidor web, ao lado do seu ficheiro {name}.",
  },
};

/** What is said of licences other than their names. @type {Record<string, string>} */
const LICENCES = {
  "unknown": "desconhecida",
  "not stated": "não indicada",
  "non-commercial": "uso não comercial",
  "photographs: research only": "fotografias: só para investigação",
  "MIT, for research": "MIT, para investigação",
};

/** Which language a browser asks for. @returns {Language} */
export const preferred = () => /** @type {Language} */ (navigator.languages.map((one) => one.slice(0, 2)).find((one) => one in TEXTS) ?? "en");

/** The words of one language. */
export class Words {
  /** @param {Language} language */
  constructor(language) {
    this.language = language;
  }

  /** A text, with values in it. @param {string} key @param {Record<string, string | number>} values */
  say(key, values = {}) {
    return TEXTS[this.language][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  /** @param {number} number */
  number(number, options = {}) {
    return new Intl.NumberFormat(this.language === "pt" ? "pt-PT" : this.language, options).format(number);
  }

  /** Numbers, as Python writes them. @param {string} text */
  decimal(text) {
    return this.language === "pt" ? text.replaceAll(".", ",") : text;
  }

  /** A licence, as Python names it. @param {string} name */
  licence(name) {
    return this.language === "pt" ? LICENCES[name] ?? name : name;
  }

  /** A duration. @param {number} seconds */
  time(seconds) {
    if (seconds >= 90) return `${this.number(seconds / 60, { maximumFractionDigits: 0 })} min`;
    if (seconds < 0.1) return `${this.number(seconds * 1000, { maximumSignificantDigits: 2 })} ms`;
    return `${this.number(seconds, { maximumSignificantDigits: 2 })} s`;
  }

  /** Put the words into the page. */
  write() {
    document.documentElement.lang = this.language;
    for (const element of document.querySelectorAll("[data-text]")) element.textContent = this.say(/** @type {HTMLElement} */ (element).dataset.text ?? "");
    for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", this.say(/** @type {HTMLElement} */ (element).dataset.label ?? ""));
  }
}
