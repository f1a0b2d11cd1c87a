const list = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Words of three letters that common vocabularies hold as one token each, with the space before them. */
export const SHORT_WORDS = list(`
  act add age ago air all and any are arm art ask bad bag ban bar bed big bit box boy bus but buy can car cat cup cut
  day did dog due ear eat end eye fan far fat few fit fix fly for fun gap gas get god got gun guy had has hat her hey
  him his hit hot how ice its job joy key kid law lay led leg let lie lot low man map may men met mix mom net new nor
  not now off oil old one our out own pay per pop put ran raw red run sad sat saw say sea see set she sit six sky
  son sun tax ten the tie too top try two use van via war was way web wet who why win yes yet you
`);

/** Words that a vocabulary may hold as one token: candidates where the vocabulary itself cannot be read. */
export const COMMON_WORDS = [
  ...SHORT_WORDS,
  ...list(`
    about above access account across action active actually added after again against almost along already also
    although always among amount another answer anything area around article away back base based because become been
    before began behind being believe below best better between black blood blue board body book both bring brother
    brought build building business call called came care case cause center central certain chance change check child
    children choose city class clear close club code cold college color come coming common community company complete
    computer consider contact content control cost could country course court cover create current data date days dead
    deal death decided deep design development different difficult doing done door down during each early east easily
    easy education effect either else energy engine enough entire even evening event ever every everyone everything
    example experience face fact fall family father feel feet felt field figure file final finally find fine fire first
    five floor follow following food foot force form former forward found four free friend friends from front full
    further future game gave general girl give given going gold gone good government great green ground group grow
    growing half hand hands happy hard have having head health hear heard heart heavy held help here high himself
    history hold home hope hospital hour hours house however human hundred idea image important include including
    increase industry information inside instead interest into issue issues itself just keep kind king knew know known
    land language large last late later lead leader learn least leave left less letter level life light like likely
    line list little live lives living local long longer look looked looking lost love made mail main major make makes
    making many mark market material matter maybe mean means media member members might mile military mind minute model
    modern moment money month months more morning most mother move moved movement much music must name nation national
    natural nature near need never news next night north note nothing number object office often once only open order
    other others outside over page paper parents part party pass past people percent performance perhaps period person
    personal phone picture piece place plan play player point police policy political poor position possible power
    present president press pretty price private probably problem process product production program project property
    provide public published purpose question quickly quite radio raised range rate rather reach read ready real really
    reason received record region related release remember report research response rest result results return review
    right rise river road rock role room rule rules said same save school science season second section security seen
    sense series serious service services seven several shall short should show side sign similar simple simply since
    single site situation size small social society some someone something sometimes soon sort sound source south space
    speak special staff stage stand standard start started state statement states station stay step still stood stop
    story street strong structure student students study style subject success such suddenly summer support sure system
    table take taken taking talk team technology tell term test text than that their them then theory there these they
    thing things think third this those though thought three through time times title today together told tomorrow took
    total toward town trade training tree tried true turn turned type under understand union unit united university
    until upon used user using usually value various very video view village visit voice wait walk wall want wanted
    watch water week weeks well went were west what when where whether which while white whole whose wide wife will
    window wish with within without woman women wood word words work worked working works world would write writing
    written wrong year years young your
  `),
];

/** Words that may begin a text, capital and without a space before them: the first one that is one token is used. */
export const FIRST_WORDS = ['The', 'This', 'What', 'How', 'When', 'New', 'All', 'In', 'It', 'A', 'I'] as const;
